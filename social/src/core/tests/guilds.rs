//! Guilds end to end: mail in, rosters and answers out, through the store.

use shared::core::{Core, Input};
use shared::ids::{Address, GuildId, Key, NodeId, PlayerId, Role};
use shared::limits::GUILD_MEMBERS_MAX;
use shared::msg::Body;
use shared::msg::client::{GuildView, Reply, SocialRequest};
use shared::msg::mail::Mail;
use shared::msg::refusal::RefusalCode;
use shared::store::{StoreReply, StoreRequest};

use super::harness::{BASEAPP, Harness};

pub(super) fn owls() -> GuildId {
    GuildId::of_name("Owls")
}

pub(super) fn found(player: u64, name: &str) -> Mail {
    application(player, Some(name.to_owned()))
}

pub(super) fn join(player: u64) -> Mail {
    application(player, None)
}

fn application(player: u64, found: Option<String>) -> Mail {
    let player_name = format!("player {player}");
    Mail::GuildApplication { player: PlayerId(player), player_name, found }
}

pub(super) fn leave(player: u64) -> Mail {
    Mail::GuildLeft { player: PlayerId(player) }
}

/// The roster as an online player reads it.
pub(super) fn roster(harness: &mut Harness) -> Result<GuildView, RefusalCode> {
    harness.online(99, 99);
    let reply = harness.answer(99, SocialRequest::ReadGuild { guild: owls() })?;
    let Reply::Guild(view) = reply else { panic!("not a guild: {reply:?}") };
    Ok(view)
}

fn members(harness: &mut Harness) -> Vec<u64> {
    let view = roster(harness).expect("the guild exists");
    view.members.iter().map(|(player, _)| player.0).collect()
}

#[test]
fn founding_joining_and_leaving_are_answered_by_mail() {
    let mut harness = Harness::new();
    harness.mail(5, owls(), &join(5));
    harness.mail(7, owls(), &found(7, "Owls"));
    harness.mail(5, owls(), &join(5));
    harness.mail(3, owls(), &found(3, "owls"));
    harness.mail(3, owls(), &found(3, "Crows"));
    harness.mail(5, owls(), &join(5));
    assert_eq!(harness.guild_answers(7), [None]);
    assert_eq!(harness.guild_answers(5), [Some(RefusalCode::NotFound), None, None]);
    let refused = [Some(RefusalCode::NameTaken), Some(RefusalCode::BadName)];
    assert_eq!(harness.guild_answers(3), refused);
    let view = roster(&mut harness).expect("the guild exists");
    assert_eq!((view.name.as_str(), view.leader), ("Owls", PlayerId(7)));
    assert_eq!(view.members[0], (PlayerId(5), String::from("player 5")));
    harness.mail(7, owls(), &leave(7));
    assert_eq!(roster(&mut harness).expect("one is left").leader, PlayerId(5));
    harness.mail(5, owls(), &leave(5));
    assert_eq!(roster(&mut harness), Err(RefusalCode::NotFound));
    harness.mail(3, owls(), &found(3, "owls"));
    assert_eq!(roster(&mut harness).expect("founded again").name, "owls");
    assert_eq!(harness.value("mail_applied_total"), 9);
}

#[test]
fn a_full_guild_refuses_and_has_room_again_when_somebody_leaves() {
    let mut harness = Harness::new();
    harness.mail(0, owls(), &found(0, "Owls"));
    let max = GUILD_MEMBERS_MAX as u64;
    // More at once than one look at the mailbox gives.
    for player in 1..=max {
        let mail = shared::wire::encode(&join(player));
        harness.mail_to(player, owls(), mail);
    }
    harness.frame(BASEAPP, Body::MailWaiting(Key::Guild(owls())));
    harness.run_ms(100);
    assert_eq!(harness.guild_answers(max - 1), [None]);
    assert_eq!(harness.guild_answers(max), [Some(RefusalCode::Full)]);
    assert_eq!(members(&mut harness).len(), GUILD_MEMBERS_MAX);
    harness.mail(4, owls(), &leave(4));
    harness.mail(max, owls(), &join(max));
    assert_eq!(harness.guild_answers(max), [Some(RefusalCode::Full), None]);
}

#[test]
fn mail_that_cannot_be_applied_is_put_aside_and_blocks_nothing() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    harness.mail_to(2, owls(), vec![255; 9]);
    harness.mail_to(3, owls(), shared::wire::encode(&join(2)));
    harness.mail_to(4, owls(), shared::wire::encode(&leave(1)));
    harness.mail(5, owls(), &join(5));
    assert_eq!(members(&mut harness), [1, 5], "nobody applies or leaves for somebody else");
    assert_eq!(harness.value("mail_quarantined_total"), 3);
    let request = StoreRequest::PeekMail { key: Key::Guild(owls()), after: 0 };
    assert_eq!(harness.store.apply(&request), StoreReply::Mail(Vec::new()));
    harness.crash();
    harness.run_ms(3_000);
    harness.mail_to(6, owls(), vec![254]);
    harness.mail(7, owls(), &join(7));
    let request = StoreRequest::ListGuilds { after: None };
    let StoreReply::Guilds(rows) = harness.store.apply(&request) else { panic!("no guilds") };
    let (_, bytes) = &rows[0].1[1];
    let aside: Vec<Vec<u8>> = shared::wire::decode(bytes, 4096).expect("a list");
    assert_eq!((aside.len(), &aside[0], &aside[3]), (4, &vec![255; 9], &vec![254]));
}

#[test]
fn guilds_are_listed_after_a_restart_and_unknown_ones_cost_the_store_nothing() {
    let mut harness = Harness::new();
    for n in 0..30 {
        let name = format!("guild {n}");
        harness.mail(n, GuildId::of_name(&name), &found(n, &name));
    }
    harness.crash();
    harness.online(99, 99);
    harness.run_ms(1_000);
    let lists = [(); 2].map(|()| harness.answer(99, SocialRequest::ListGuilds).expect("a list"));
    let [Reply::Guilds(first), Reply::Guilds(second)] = lists else { panic!("not lists") };
    assert_eq!((first.len(), second.len()), (20, 20));
    assert_ne!(first, second);
    assert_eq!(harness.value("guilds_known"), 30);
    let before = harness.store.clone();
    assert_eq!(roster(&mut harness), Err(RefusalCode::NotFound));
    assert!(harness.store == before);
}

#[test]
fn an_unused_guild_is_given_back_and_opened_again_when_needed() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    assert_eq!(harness.value("guilds_open"), 1);
    harness.run_ms(62_000);
    assert_eq!(harness.value("guilds_open"), 0);
    assert_eq!(members(&mut harness), [1]);
    assert_eq!(harness.value("guilds_open"), 1);
}

#[test]
fn a_guild_whose_home_is_another_node_by_now_moves_there_although_it_is_in_use() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    for node in 20..30 {
        harness.ready(NodeId { node, incarnation: 1 }, Role::Social);
    }
    let word = Body::MailWaiting(Key::Guild(owls()));
    for _ in 0..10 {
        // Its home is asked for it, and so sends word to the owner.
        harness.frame(BASEAPP, word.clone());
        harness.run_ms(200);
    }
    let told = |(to, body): &(Address, Body)| to.role == Role::Social && *body == word;
    assert!(harness.sent.iter().any(told), "the new home is told when it may open it");
}

#[test]
fn a_damaged_roster_is_left_as_it_is() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    harness.run_ms(62_000);
    let claim = |epoch| StoreRequest::Claim { key: Key::Guild(owls()), by: BASEAPP, seen: epoch };
    let StoreReply::Taken(seen) = harness.store.apply(&claim(shared::ids::Epoch(0))) else {
        panic!("the epoch is known")
    };
    let StoreReply::Claimed(mut record) = harness.store.apply(&claim(seen.epoch)) else {
        panic!("it was given back")
    };
    record.parts[0].1[0] = 77;
    let commit = shared::store::Commit {
        key: Key::Guild(owls()),
        epoch: record.epoch,
        version: record.version,
        parts: record.parts.clone(),
        mail_taken: None,
        posts: Vec::new(),
    };
    harness.store.apply(&StoreRequest::Commit(vec![commit]));
    harness.store.apply(&StoreRequest::Release { key: Key::Guild(owls()), epoch: record.epoch });
    assert_eq!(roster(&mut harness), Err(RefusalCode::Quarantined));
    harness.mail(2, owls(), &join(2));
    assert_eq!(harness.guild_answers(2), []);
    let request = StoreRequest::ListGuilds { after: None };
    let StoreReply::Guilds(rows) = harness.store.apply(&request) else { panic!("no guilds") };
    assert_eq!(rows[0].1, record.parts);
}

#[test]
fn a_drained_role_owns_nothing_and_takes_nothing_new() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    assert_eq!(roster(&mut harness).map(|view| view.leader), Ok(PlayerId(1)));
    harness.input(Input::Drain);
    harness.tick();
    assert!(harness.social.status().drained);
    let refused = harness.answer(99, SocialRequest::ReadGuild { guild: owls() });
    assert_eq!(refused, Err(RefusalCode::Draining));
    assert_eq!(harness.answer(99, SocialRequest::CreateTeam), Err(RefusalCode::Draining));
    harness.mail(2, owls(), &join(2));
    assert!(harness.social.status().drained, "the mail waits for another node");
    harness.crash();
    harness.run_ms(3_000);
    assert_eq!(harness.guild_answers(2), [None]);
}
