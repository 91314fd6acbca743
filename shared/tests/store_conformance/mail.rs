//! Outboxes, the relay, mailboxes.

use shared::ids::{GuildId, Key, PlayerId};
use shared::limits::{MAIL_PEEK_MAX, MAILBOX_ENTRIES_MAX, OUTBOX_ENTRIES_MAX, RELAY_ENTRIES_MAX};
use shared::store::CommitVerdict::{Done, Fenced, TooLarge};
use shared::store::rules::KEYS_PAGE_MAX;
use shared::store::{Commit, Relayed, StoreReply, StoreRequest};

use super::subject::{Subject, claim, commit, commit_all, done, node, peek, post, relay};

const ANNA: Key = Key::Player(PlayerId(1));
const BEN: Key = Key::Player(PlayerId(2));
const OWLS: Key = Key::Guild(GuildId(1));

fn got(target: Key, owner: Option<u16>) -> Relayed {
    Relayed { target, owner: owner.map(node), full: false }
}

fn posts(mut commit: Commit, target: Key, mails: impl Iterator<Item = u64>) -> Commit {
    for mail in mails {
        commit = post(commit, target, &mail.to_le_bytes());
    }
    commit
}

fn numbers(subject: &mut dyn Subject, key: Key, source: Key) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut after = 0;
    loop {
        let page = peek(subject, key, after);
        let Some(last) = page.last() else {
            return numbers;
        };
        after = last.position;
        for entry in page.iter().filter(|entry| entry.source == source) {
            numbers.push(u64::from_le_bytes(entry.mail.as_slice().try_into().expect("eight")));
        }
    }
}

pub(crate) fn mail_keeps_the_order_of_its_source(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    claim(subject, BEN, 2, 0);
    let first = posts(commit(ANNA, 1, 0), OWLS, 1..3);
    done(subject, posts(first, BEN, 10..12));
    assert_eq!(claim(subject, ANNA, 1, 1).outbox_entries, 4);
    let (targets, left) = relay(subject, ANNA);
    assert_eq!((targets, left), (vec![got(BEN, Some(2)), got(OWLS, None)], 0));
    done(subject, posts(commit(BEN, 1, 0), OWLS, 20..22));
    relay(subject, BEN);
    done(subject, posts(commit(ANNA, 2, 1), OWLS, 3..5));
    relay(subject, ANNA);

    assert_eq!(numbers(subject, OWLS, ANNA), [1, 2, 3, 4]);
    assert_eq!(numbers(subject, OWLS, BEN), [20, 21]);
    assert_eq!(numbers(subject, BEN, ANNA), [10, 11]);
    let record = claim(subject, OWLS, 3, 0);
    assert_eq!((record.mailbox_entries, record.outbox_entries), (6, 0));
}

pub(crate) fn a_repeated_relay_moves_nothing_twice(subject: &mut dyn Subject) {
    assert_eq!(relay(subject, ANNA), (vec![], 0), "a key that never was has nothing to relay");
    claim(subject, ANNA, 1, 0);
    done(subject, posts(commit(ANNA, 1, 0), BEN, 1..4));
    let step = StoreRequest::Relay { source: ANNA };
    let replies = subject.ask_all(&[step.clone(), step.clone(), step]);
    let nothing = StoreReply::Relayed { targets: vec![], entries_left: 0 };
    let moved = StoreReply::Relayed { targets: vec![got(BEN, None)], entries_left: 0 };
    assert_eq!(replies, [moved, nothing.clone(), nothing]);
    assert_eq!(numbers(subject, BEN, ANNA), [1, 2, 3]);
}

pub(crate) fn a_relay_step_is_bounded(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    let count = RELAY_ENTRIES_MAX as u64 + 3;
    done(subject, posts(commit(ANNA, 1, 0), BEN, 0..count));
    assert_eq!(relay(subject, ANNA), (vec![got(BEN, None)], 3));
    assert_eq!(relay(subject, ANNA), (vec![got(BEN, None)], 0));
    assert_eq!(numbers(subject, BEN, ANNA), (0..count).collect::<Vec<_>>());
}

pub(crate) fn mail_stays_until_a_commit_takes_it(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    claim(subject, BEN, 2, 0);
    let count = MAIL_PEEK_MAX as u64 + 2;
    done(subject, posts(commit(ANNA, 1, 0), BEN, 0..count));
    relay(subject, ANNA);
    relay(subject, ANNA);
    let page = peek(subject, BEN, 0);
    assert_eq!(page.len(), MAIL_PEEK_MAX);
    assert_eq!(peek(subject, BEN, 0), page, "looking changes nothing");
    let tenth = page[9].position;
    assert_eq!(peek(subject, BEN, tenth)[0], page[10]);
    done(subject, Commit { mail_taken: Some(tenth), ..commit(BEN, 1, 0) });
    assert_eq!(peek(subject, BEN, 0)[0], page[10]);
    assert_eq!(claim(subject, BEN, 2, 1).mailbox_entries, count - 10);
    done(subject, Commit { mail_taken: Some(tenth), ..commit(BEN, 2, 1) });
    done(subject, Commit { mail_taken: Some(u64::MAX), ..commit(BEN, 2, 2) });
    assert_eq!(peek(subject, BEN, 0), []);
    assert_eq!(peek(subject, BEN, u64::MAX), []);
    assert_eq!(claim(subject, BEN, 2, 2).mailbox_entries, 0);

    done(subject, posts(commit(ANNA, 1, 1), BEN, 0..1));
    relay(subject, ANNA);
    let next = peek(subject, BEN, 0)[0].position;
    assert!(next > count - 1, "positions are never reused");
}

pub(crate) fn a_fenced_commit_takes_no_mail(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    claim(subject, BEN, 2, 0);
    done(subject, posts(commit(ANNA, 1, 0), BEN, 0..2));
    relay(subject, ANNA);
    claim(subject, BEN, 3, 1);
    let late = Commit { mail_taken: Some(u64::MAX), ..commit(BEN, 1, 0) };
    let late = posts(late, ANNA, 7..8);
    assert_eq!(commit_all(subject, vec![late]), [Fenced]);
    assert_eq!(peek(subject, BEN, 0).len(), 2);
    assert_eq!(relay(subject, BEN), (vec![], 0));
}

pub(crate) fn a_full_mailbox_holds_up_nobody_else(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    let mut version = 0;
    let mut sent = 0;
    while sent < MAILBOX_ENTRIES_MAX {
        let count = OUTBOX_ENTRIES_MAX.min(MAILBOX_ENTRIES_MAX - sent);
        done(subject, posts(commit(ANNA, 1, version), BEN, sent..sent + count));
        (version, sent) = (version + 1, sent + count);
        while relay(subject, ANNA).1 > 0 {}
    }
    let last = posts(commit(ANNA, 1, version), BEN, sent..sent + 2);
    done(subject, posts(last, OWLS, 1..3));
    let full = Relayed { target: BEN, owner: None, full: true };
    assert_eq!(relay(subject, ANNA), (vec![full.clone(), got(OWLS, None)], 2));
    assert_eq!(relay(subject, ANNA), (vec![full.clone()], 2));
    assert_eq!(numbers(subject, OWLS, ANNA), [1, 2]);

    let record = claim(subject, BEN, 2, 0);
    assert_eq!(record.mailbox_entries, MAILBOX_ENTRIES_MAX);
    let first = peek(subject, BEN, 0)[0].position;
    done(subject, Commit { mail_taken: Some(first), ..commit(BEN, 1, 0) });
    let full = Relayed { owner: Some(node(2)), ..full };
    assert_eq!(relay(subject, ANNA), (vec![full], 1), "one fits again");
    done(subject, Commit { mail_taken: Some(first + 1), ..commit(BEN, 1, 1) });
    assert_eq!(relay(subject, ANNA), (vec![got(BEN, Some(2))], 0));
    let expected: Vec<_> = (2..MAILBOX_ENTRIES_MAX + 2).collect();
    assert_eq!(numbers(subject, BEN, ANNA), expected, "none lost, none twice, in order");
}

pub(crate) fn a_full_outbox_refuses_the_commit_that_overflows_it(subject: &mut dyn Subject) {
    claim(subject, ANNA, 1, 0);
    done(subject, posts(commit(ANNA, 1, 0), BEN, 0..OUTBOX_ENTRIES_MAX));
    let one_more = posts(commit(ANNA, 1, 1), BEN, 0..1);
    assert_eq!(commit_all(subject, vec![one_more.clone()]), [TooLarge]);
    relay(subject, ANNA);
    assert_eq!(commit_all(subject, vec![one_more]), [Done]);
}

pub(crate) fn pending_outboxes_are_found_page_by_page(subject: &mut dyn Subject) {
    let count = KEYS_PAGE_MAX as u64 + 5;
    let keys: Vec<_> =
        (0..count).map(|id| Key::Player(PlayerId(id << 56 | id))).chain([OWLS]).collect();
    for key in &keys {
        claim(subject, *key, 1, 0);
        done(subject, posts(commit(*key, 1, 0), BEN, 0..3));
    }
    claim(subject, Key::Player(PlayerId(u64::MAX)), 1, 0);
    fn pending(subject: &mut dyn Subject, after: Option<Key>) -> Vec<Key> {
        let reply = subject.ask(StoreRequest::PendingOutboxes { after });
        let StoreReply::Pending(keys) = reply else {
            panic!("asked for outboxes: {reply:?}");
        };
        keys
    }
    let first = pending(subject, None);
    let second = pending(subject, first.last().copied());
    assert_eq!([first, second].concat(), keys);
    assert_eq!(pending(subject, Some(OWLS)), []);
    relay(subject, keys[1]);
    assert_eq!(pending(subject, Some(keys[0]))[0], keys[2]);
}
