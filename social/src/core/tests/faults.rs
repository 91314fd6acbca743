//! A crash after any request to the store loses nothing and doubles nothing.

use super::guilds::{found, join, owls, roster};
use super::harness::Harness;
use shared::ids::{Key, PlayerId};
use shared::msg::Body;
use shared::msg::client::{Reply, SocialRequest};
use shared::msg::refusal::RefusalCode;

/// Three players want one guild; the node dies after `ops` requests to its store, and comes back.
fn crash_after(ops: u64) -> Harness {
    let mut harness = Harness::new();
    harness.store_ops_left = ops;
    for (player, mail) in [(1, found(1, "Owls")), (2, join(2)), (3, found(3, "Owls"))] {
        harness.mail(player, owls(), &mail);
    }
    harness.crash();
    harness.run_ms(7_000);
    harness
}

#[test]
fn a_crash_at_any_moment_loses_and_doubles_no_application() {
    for ops in 1..40 {
        let mut harness = crash_after(ops);
        let members = roster(&mut harness).expect("the guild was founded").members.len();
        assert_eq!(members, 2, "crash after {ops}");
        assert_eq!(harness.guild_answers(1), [None], "crash after {ops}");
        assert_eq!(harness.guild_answers(2), [None], "crash after {ops}");
        let refused = [Some(RefusalCode::NameTaken)];
        assert_eq!(harness.guild_answers(3), refused, "crash after {ops}");
    }
}

#[test]
fn the_word_of_mail_may_come_twice_or_never() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    harness.run_ms(3_000);
    harness.mail_to(2, owls(), shared::wire::encode(&join(2)));
    harness.run_ms(6_000);
    assert_eq!(harness.guild_answers(2), [None], "found by the routine look");
    for _ in 0..3 {
        harness.frame(super::harness::BASEAPP, Body::MailWaiting(Key::Guild(owls())));
    }
    harness.run_ms(100);
    assert_eq!(harness.guild_answers(1), [None]);
    assert_eq!(harness.guild_answers(2), [None]);
}

#[test]
fn nobody_reads_a_member_who_is_not_durable_yet() {
    let mut harness = Harness::new();
    harness.online(9, 9);
    harness.mail(1, owls(), &found(1, "Owls"));
    harness.commits_wait = true;
    harness.mail(2, owls(), &join(2));
    let id = harness.ask(9, SocialRequest::ReadGuild { guild: owls() });
    harness.run_ms(500);
    assert_eq!(harness.reply_to(id), None);
    harness.commits_wait = false;
    harness.tick();
    let Some(Ok(Reply::Guild(view))) = harness.reply_to(id) else { panic!("not answered") };
    assert_eq!(view.members.len(), 2);
}

#[test]
fn a_commit_of_unknown_outcome_is_neither_shown_nor_repeated() {
    let mut harness = Harness::new();
    harness.online(9, 9);
    harness.mail(1, owls(), &found(1, "Owls"));
    harness.commits_fail = true;
    harness.commits_wait = true;
    harness.mail(2, owls(), &join(2));
    let id = harness.ask(9, SocialRequest::ReadGuild { guild: owls() });
    harness.commits_wait = false;
    harness.tick();
    let refused = harness.reply_to(id).expect("answered").expect_err("it is not known");
    assert_eq!(refused.code, RefusalCode::Unavailable);
    harness.commits_fail = false;
    harness.run_ms(12_000);
    assert_eq!(harness.guild_answers(2), [None]);
    let members = roster(&mut harness).expect("the guild exists").members;
    assert_eq!(members.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [PlayerId(1), PlayerId(2)]);
}

#[test]
fn a_commit_that_failed_is_tried_again_without_another_word() {
    let mut harness = Harness::new();
    harness.mail(1, owls(), &found(1, "Owls"));
    // Past the patrol, which would find the mail too.
    harness.run_ms(3_000);
    harness.commits_lost = true;
    harness.mail(2, owls(), &join(2));
    harness.commits_lost = false;
    assert_eq!(harness.guild_answers(2), []);
    assert_eq!(harness.value("guilds_open"), 0);
    harness.run_ms(7_000);
    assert_eq!(harness.guild_answers(2), [None]);
}
