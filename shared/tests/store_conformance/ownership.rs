//! Owners, epochs, versions, parts.

use shared::ids::{BattleId, Epoch, GuildId, Key, PlayerId, Version};
use shared::limits::{COMMIT_BATCH_KEYS_MAX, MAIL_BYTES_MAX, PART_BYTES_MAX};
use shared::store::CommitVerdict::{Done, Fenced, TooLarge};
use shared::store::rules::KEYS_PAGE_MAX;
use shared::store::{Ownership, PartId, StoreReply, StoreRequest};

use super::subject::{Subject, claim, commit, commit_all, done, node, part, peek, post, relay};

const ANNA: Key = Key::Player(PlayerId(1));
const BEN: Key = Key::Player(PlayerId(2));

fn owner(subject: &mut dyn Subject, key: Key) -> Ownership {
    let reply = subject.ask(StoreRequest::ReadOwner { key });
    let StoreReply::Owner(ownership) = reply else {
        panic!("asked for the owner: {reply:?}");
    };
    ownership
}

pub(crate) fn a_claim_succeeds_only_with_the_epoch_that_is_current(subject: &mut dyn Subject) {
    assert_eq!(owner(subject, ANNA), Ownership::default());
    let record = claim(subject, ANNA, 1, 0);
    assert_eq!((record.epoch, record.version, record.parts), (Epoch(1), Version(0), vec![]));
    let now = Ownership { owner: Some(node(1)), epoch: Epoch(1) };
    assert_eq!(owner(subject, ANNA), now);
    for seen in [0, 2] {
        let late = StoreRequest::Claim { key: ANNA, by: node(2), seen: Epoch(seen) };
        assert_eq!(subject.ask(late), StoreReply::Taken(now));
    }
    assert_eq!(claim(subject, ANNA, 2, 1).epoch, Epoch(2));
    assert_eq!(owner(subject, BEN), Ownership::default());
}

pub(crate) fn an_owner_who_was_overtaken_is_fenced(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    done(subject, part(commit(ANNA, 1, 0), 1, b"first"));
    claim(subject, ANNA, 2, 1);
    assert_eq!(commit_all(subject, vec![part(commit(ANNA, 1, 1), 1, b"late")]), [Fenced]);
    done(subject, part(commit(ANNA, 2, 1), 2, b"second"));
    let record = claim(subject, ANNA, 3, 2);
    assert_eq!(record.version, Version(2));
    assert_eq!(record.parts, [(PartId(1), b"first".to_vec()), (PartId(2), b"second".to_vec())]);
}

pub(crate) fn a_commit_needs_the_version_that_is_current(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    done(subject, part(commit(ANNA, 1, 0), 1, b"one"));
    for version in [0, 2] {
        let repeated = part(commit(ANNA, 1, version), 1, b"again");
        assert_eq!(commit_all(subject, vec![repeated]), [Fenced]);
    }
    let record = claim(subject, ANNA, 1, 1);
    assert_eq!((record.version, &record.parts[0].1[..]), (Version(1), &b"one"[..]));
}

pub(crate) fn a_key_without_an_owner_takes_no_commit(subject: &mut dyn Subject) {
    assert_eq!(commit_all(subject, vec![part(commit(ANNA, 0, 0), 1, b"nobody")]), [Fenced]);
    claim(subject, ANNA, 1, 0);
    let release = StoreRequest::Release { key: ANNA, epoch: Epoch(1) };
    assert_eq!(subject.ask(release), StoreReply::Released);
    assert_eq!(commit_all(subject, vec![part(commit(ANNA, 1, 0), 1, b"gone")]), [Fenced]);
    assert_eq!(claim(subject, ANNA, 1, 1).parts, []);
}

pub(crate) fn a_release_counts_only_from_the_owner(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    claim(subject, ANNA, 2, 1);
    let stale = StoreRequest::Release { key: ANNA, epoch: Epoch(1) };
    assert_eq!(subject.ask(stale), StoreReply::Released);
    assert_eq!(owner(subject, ANNA), Ownership { owner: Some(node(2)), epoch: Epoch(2) });
    let release = StoreRequest::Release { key: ANNA, epoch: Epoch(2) };
    for _ in 0..2 {
        assert_eq!(subject.ask(release.clone()), StoreReply::Released);
        assert_eq!(owner(subject, ANNA), Ownership { owner: None, epoch: Epoch(2) });
    }
    assert_eq!(claim(subject, ANNA, 1, 2).epoch, Epoch(3));
}

pub(crate) fn commits_of_a_batch_succeed_or_fail_alone(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    claim(subject, BEN, 1, 0);
    let batch = vec![
        part(commit(ANNA, 1, 0), 1, b"good"),
        part(commit(BEN, 7, 0), 1, b"fenced"),
        part(commit(ANNA, 1, 1), 2, b"follows the first"),
        part(commit(ANNA, 1, 1), 3, b"out of order"),
    ];
    assert_eq!(commit_all(subject, batch), [Done, Fenced, Done, Fenced]);
    assert_eq!(commit_all(subject, vec![]), []);
    let record = claim(subject, ANNA, 1, 1);
    assert_eq!(record.version, Version(2));
    assert_eq!(record.parts.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(claim(subject, BEN, 1, 1).parts, []);
}

pub(crate) fn a_refused_commit_leaves_nothing(subject: &mut dyn Subject) {
    claim(subject, BEN, 1, 0);
    done(subject, post(commit(BEN, 1, 0), ANNA, b"letter"));
    relay(subject, BEN);
    claim(subject, ANNA, 1, 0);
    let mut good = part(post(commit(ANNA, 1, 0), BEN, b"gift"), 1, b"bag");
    good.mail_taken = Some(1);
    let large_part = part(good.clone(), 2, &vec![0; PART_BYTES_MAX + 1]);
    let large_mail = post(good, BEN, &vec![0; MAIL_BYTES_MAX + 1]);
    assert_eq!(commit_all(subject, vec![large_part, large_mail]), [TooLarge, TooLarge]);
    let record = claim(subject, ANNA, 1, 1);
    assert_eq!((record.version, record.parts), (Version(0), vec![]));
    assert_eq!((record.outbox_entries, record.mailbox_entries), (0, 1));
    assert_eq!(peek(subject, ANNA, 0).len(), 1);
    assert_eq!(relay(subject, ANNA), (vec![], 0));

    let whole = part(commit(ANNA, 2, 0), 2, &vec![7; PART_BYTES_MAX]);
    done(subject, post(whole, BEN, &vec![7; MAIL_BYTES_MAX]));
    assert_eq!(claim(subject, ANNA, 1, 2).parts[0].1, vec![7; PART_BYTES_MAX]);
}

pub(crate) fn a_later_part_of_the_same_id_wins(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    done(subject, part(part(commit(ANNA, 1, 0), 255, b"old"), 255, b""));
    let parts = claim(subject, ANNA, 1, 1).parts;
    assert_eq!(parts, [(PartId(255), Vec::new())], "an empty part is a part");
}

pub(crate) fn commits_beyond_the_batch_limit_are_refused(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    let batch = (0..=COMMIT_BATCH_KEYS_MAX as u64).map(|version| commit(ANNA, 1, version));
    let verdicts = commit_all(subject, batch.collect());
    assert!(verdicts[..COMMIT_BATCH_KEYS_MAX].iter().all(|verdict| *verdict == Done));
    assert_eq!(verdicts[COMMIT_BATCH_KEYS_MAX..], [TooLarge]);
    assert_eq!(claim(subject, ANNA, 1, 1).version, Version(COMMIT_BATCH_KEYS_MAX as u64));
}

pub(crate) fn guilds_are_listed_page_by_page_and_nothing_else_is(subject: &mut dyn Subject) {
    let first_page = KEYS_PAGE_MAX as u64;
    let ids: Vec<u64> = (0..first_page).map(|n| n * 3).chain([u64::MAX - 1, u64::MAX]).collect();
    for id in &ids {
        let key = Key::Guild(GuildId(*id));
        claim(subject, key, 1, 0);
        done(subject, part(commit(key, 1, 0), 4, &id.to_le_bytes()));
    }
    claim(subject, ANNA, 1, 0);
    claim(subject, Key::Player(PlayerId(u64::MAX)), 1, 0);
    let battle = Key::Battle(BattleId(0));
    claim(subject, battle, 1, 0);

    let mut list = |after| {
        let reply = subject.ask(StoreRequest::ListGuilds { after });
        let StoreReply::Guilds(guilds) = reply else {
            panic!("asked for guilds: {reply:?}");
        };
        guilds
    };
    let first = list(None);
    assert_eq!(list(Some(ANNA)), first, "all guilds come after all players");
    let second = list(first.last().map(|(key, _)| *key));
    assert_eq!((first.len(), second.len()), (KEYS_PAGE_MAX, 2));
    for ((key, parts), id) in first.iter().chain(&second).zip(&ids) {
        assert_eq!(*key, Key::Guild(GuildId(*id)));
        assert_eq!(*parts, [(PartId(4), id.to_le_bytes().to_vec())]);
    }
    assert_eq!(list(Some(Key::Guild(GuildId(u64::MAX)))), []);
    assert_eq!(list(Some(battle)), []);
}
