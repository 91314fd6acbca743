//! Players through the whole core: requests in, store and clients as the shell would have them.

#[path = "players/bench.rs"]
mod bench;

use bench::{Answer, Bench, gift, player};
use shared::core::Input;
use shared::directory::DirectoryEvent;
use shared::ids::{Address, Epoch, Key, NodeId, Role};
use shared::limits::INBOX_LETTERS_MAX;
use shared::msg::client::{Attachments, Event, PlayerRequest, Reply, Slot, Stack};
use shared::msg::mail::Mail;
use shared::msg::refusal::RefusalCode;
use shared::store::{Commit, CommitVerdict, Post, StoreReply, StoreRequest};
use shared::wire;

const SWORD: u16 = 1;
const PURSE: u16 = 21;
const MEAT: u16 = 40;

fn stranger() -> Address {
    Address { node: NodeId { node: 9, incarnation: 9 }, role: Role::Baseapp }
}

#[test]
fn a_new_player_owns_the_start_kit() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let stacks = bench.bag("anna");
    assert!(stacks.contains(&Stack { item: MEAT, count: 10 }));
    assert_eq!(bench.gold("anna"), 500);
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    assert_eq!(bench.ask("anna", PlayerRequest::Equip { item: SWORD }), Ok(Reply::Done));
    assert_eq!(bench.ask("anna", PlayerRequest::UseItem { item: PURSE }), Ok(Reply::Done));
    let feed = PlayerRequest::FeedPet { pet: 0, item: MEAT };
    assert_eq!(bench.ask("anna", feed), Ok(Reply::Done));
    bench.crash();
    bench.login("anna", 2).expect("the same secret");
    let worn = bench.ask("anna", PlayerRequest::ReadEquipment);
    assert_eq!(worn, Ok(Reply::Equipment([Some(SWORD), None, None])));
    assert_eq!(bench.gold("anna"), 600);
    assert!(bench.bag("anna").contains(&Stack { item: MEAT, count: 9 }));
    let Ok(Reply::Pets(pets)) = bench.ask("anna", PlayerRequest::ReadPets) else {
        panic!("pets are read")
    };
    assert_eq!(pets[0].xp, 25);
}

#[test]
fn logging_in_again_writes_nothing() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.crash();
    let commits = bench.commits;
    bench.login("anna", 2).expect("the same secret");
    assert_eq!(bench.commits, commits, "a loaded player has not changed");
}

#[test]
fn no_reply_leaves_before_the_change_is_durable() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.store_answers = false;
    let id = bench.send("anna", PlayerRequest::Equip { item: SWORD });
    let read = bench.send("anna", PlayerRequest::ReadBag);
    bench.run(20);
    assert_eq!(bench.reply(id), None, "the commit is not acknowledged");
    assert_eq!(bench.reply(read), None, "a read would show what is not durable");
    bench.store_answers = true;
    bench.run(1);
    assert_eq!(bench.reply(id), Some(Ok(Reply::Done)));
    assert!(bench.reply(read).is_some());
}

#[test]
fn a_retry_gets_the_stored_answer_even_after_a_crash() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let id = bench.send("anna", PlayerRequest::UseItem { item: PURSE });
    bench.run(2);
    bench.crash();
    bench.login("anna", 2).expect("the same secret");
    bench.send_as("anna", id, PlayerRequest::UseItem { item: PURSE });
    bench.run(2);
    assert_eq!(bench.reply(id), Some(Ok(Reply::Done)));
    assert_eq!(bench.gold("anna"), 600, "the purse was opened once");
    bench.send_as("anna", id, PlayerRequest::UseItem { item: 20 });
    bench.run(2);
    let code = bench.reply(id).expect("answered").expect_err("another body").code;
    assert_eq!(code, RefusalCode::RequestIdReused);
}

#[test]
fn a_gift_moves_to_the_other_player_and_is_claimed_once() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.login("bert", 2).expect("a new account");
    let sent = bench.ask("anna", gift("bert", 100, &[(MEAT, 4)]));
    assert_eq!(sent, Ok(Reply::Done));
    bench.run(5);
    let came = bench.events("bert");
    let [Event::LetterCame(letter)] = &came[..] else { panic!("one letter: {came:?}") };
    let claim = PlayerRequest::ClaimLetter { letter: letter.letter };
    assert_eq!(bench.ask("bert", claim.clone()), Ok(Reply::Done));
    let again = bench.ask("bert", claim).expect_err("claimed before");
    assert_eq!(again.code, RefusalCode::NotFound);
    assert_eq!((bench.gold("anna"), bench.gold("bert")), (400, 600));
    assert!(bench.bag("anna").contains(&Stack { item: MEAT, count: 6 }));
    assert!(bench.bag("bert").contains(&Stack { item: MEAT, count: 14 }));
}

#[test]
fn mail_waits_for_a_player_who_is_away() {
    let mut bench = Bench::new();
    bench.login("bert", 1).expect("a new account");
    bench.crash();
    bench.login("anna", 2).expect("a new account");
    assert_eq!(bench.ask("anna", gift("bert", 7, &[])), Ok(Reply::Done));
    bench.crash();
    bench.login("bert", 3).expect("the same secret");
    bench.run(5);
    assert_eq!(bench.letters("bert").len(), 1);
}

#[test]
fn what_one_does_not_own_cannot_be_given_worn_used_or_fed() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let cases = [
        (gift("bert", 501, &[]), RefusalCode::NotOwned),
        (gift("bert", 0, &[(MEAT, 11)]), RefusalCode::NotOwned),
        (gift("bert", 0, &[(MEAT, 6), (MEAT, 6)]), RefusalCode::NotOwned),
        (gift("bert", 0, &[(MEAT, 0)]), RefusalCode::BadAmount),
        (gift("bert", 0, &[]), RefusalCode::BadAmount),
        (gift("anna", 1, &[]), RefusalCode::BadAmount),
        (PlayerRequest::Equip { item: 4 }, RefusalCode::NotOwned),
        (PlayerRequest::Equip { item: MEAT }, RefusalCode::WrongKind),
        (PlayerRequest::Unequip { slot: Slot::Weapon }, RefusalCode::NotOwned),
        (PlayerRequest::UseItem { item: SWORD }, RefusalCode::WrongKind),
        (PlayerRequest::UseItem { item: 60_000 }, RefusalCode::NotOwned),
        (PlayerRequest::FeedPet { pet: 1, item: MEAT }, RefusalCode::NotFound),
        (PlayerRequest::FeedPet { pet: 0, item: SWORD }, RefusalCode::WrongKind),
        (PlayerRequest::ChooseHero { hero: 9_999 }, RefusalCode::NotFound),
        (PlayerRequest::LeaveGuild, RefusalCode::NoGuild),
        (PlayerRequest::FoundGuild { name: String::from("x") }, RefusalCode::BadName),
    ];
    let before = (bench.bag("anna"), bench.gold("anna"));
    let commits = bench.commits;
    for (request, code) in cases {
        let refusal = bench.ask("anna", request.clone()).expect_err("refused");
        assert_eq!(refusal.code, code, "{request:?}: {refusal}");
    }
    assert_eq!((bench.bag("anna"), bench.gold("anna")), before);
    assert_eq!(bench.commits, commits, "a refusal changes nothing");
}

#[test]
fn the_newest_login_wins_and_a_wrong_secret_does_not() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.login("anna", 2).expect("the same secret");
    assert_eq!(bench.goodbye(1).map(|r| r.code), Some(RefusalCode::LoggedInElsewhere));
    let refusal = bench.login_with("anna", 3, [9; 32]).expect_err("another secret");
    assert_eq!(refusal.code, RefusalCode::WrongSecret);
    assert_eq!(bench.goodbye(2), None, "the player who is in stays in");
}

#[test]
fn an_owner_that_was_fenced_commits_nothing_and_says_so() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let key = Key::Player(player("anna"));
    let StoreReply::Owner(now) = bench.store.apply(&StoreRequest::ReadOwner { key }) else {
        panic!("the owner is read")
    };
    bench.store.apply(&StoreRequest::Claim { key, by: stranger(), seen: now.epoch });
    let answer = bench.ask("anna", PlayerRequest::UseItem { item: PURSE });
    assert_eq!(answer.expect_err("fenced").code, RefusalCode::OutcomeUnknown);
    assert_eq!(bench.goodbye(1).map(|r| r.code), Some(RefusalCode::Unavailable));
    bench.login("anna", 2).expect("the stranger is not alive, so the key comes back");
    assert_eq!(bench.gold("anna"), 500, "nothing of the fenced change was stored");
}

#[test]
fn a_suspended_node_keeps_its_sessions_refuses_all_and_loads_them_again_when_it_resumes() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.store_answers = false;
    let use_purse = PlayerRequest::UseItem { item: PURSE };
    let in_flight = bench.send("anna", use_purse.clone());
    bench.run(2);
    assert_eq!(bench.reply(in_flight), None, "the store has not answered");
    bench.input(Input::Directory(DirectoryEvent::Suspended));
    bench.run(1);
    let code = |answer: Answer| answer.expect_err("it is refused").code;
    assert_eq!(bench.reply(in_flight).map(code), Some(RefusalCode::OutcomeUnknown));
    for request in [use_purse.clone(), PlayerRequest::ReadBag] {
        assert_eq!(code(bench.ask("anna", request)), RefusalCode::Unavailable);
    }
    let refused = bench.login("bert", 2).expect_err("nobody new is let in");
    assert_eq!(refused.code, RefusalCode::Unavailable);
    bench.answer_waiting();
    assert_eq!(bench.goodbye(1), None, "who is in stays in");
    bench.store_answers = true;
    bench.input(Input::Directory(DirectoryEvent::Resumed));
    bench.run(200);
    bench.send_as("anna", in_flight, use_purse);
    bench.run(2);
    assert!(bench.reply(in_flight).expect("is answered").is_ok());
    assert_eq!(bench.value("requests_repeated_total"), 1, "it had been stored");
    assert_eq!((bench.value("reloads_total"), bench.goodbye(1)), (1, None));
}

#[test]
fn mail_that_does_not_fit_the_inbox_waits_in_the_mailbox() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let more = INBOX_LETTERS_MAX + 5;
    let mail = wire::encode(&Mail::Gift {
        from: player("bert"),
        from_name: String::from("bert"),
        attached: Attachments { gold: 1, stacks: Vec::new() },
    });
    bench.mail_from_stranger(Key::Player(player("anna")), &vec![mail; more]);
    bench.run(500);
    assert_eq!(bench.letters("anna").len(), INBOX_LETTERS_MAX);
    for letter in bench.letters("anna").into_iter().take(10) {
        let claim = PlayerRequest::ClaimLetter { letter: letter.letter };
        assert_eq!(bench.ask("anna", claim), Ok(Reply::Done));
    }
    bench.run(500);
    assert_eq!(bench.letters("anna").len(), more - 10);
    assert_eq!(bench.gold("anna"), 510);
}

#[test]
fn mail_that_cannot_be_read_is_set_aside_and_what_follows_arrives() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let good = wire::encode(&Mail::Gift {
        from: player("bert"),
        from_name: String::from("bert"),
        attached: Attachments { gold: 1, stacks: Vec::new() },
    });
    bench.mail_from_stranger(Key::Player(player("anna")), &[vec![255; 9], good]);
    bench.run(500);
    assert_eq!(bench.letters("anna").len(), 1);
    let quarantined = bench.value("mail_quarantined_total");
    assert_eq!(quarantined, 1);
}

#[test]
fn a_player_who_left_is_given_back_and_drain_waits_for_that() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.drain();
    bench.run(3);
    assert!(!bench.drained(), "the session is still open");
    bench.close("anna");
    bench.run(3);
    assert!(bench.drained());
    let key = Key::Player(player("anna"));
    let StoreReply::Owner(owner) = bench.store.apply(&StoreRequest::ReadOwner { key }) else {
        panic!("the owner is read")
    };
    assert_eq!(owner.owner, None);
    assert!(owner.epoch > Epoch(0));
    let refusal = bench.login("anna", 2).expect_err("draining");
    assert_eq!(refusal.code, RefusalCode::Draining);
}

#[test]
fn a_drained_node_gives_back_what_the_store_says_it_still_owns() {
    let mut bench = Bench::new();
    let key = Key::Player(player("anna"));
    let by = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Baseapp };
    // As after a commit whose end is not known: the core has forgotten the player.
    bench.store.apply(&StoreRequest::Claim { key, by, seen: Epoch(0) });
    bench.drain();
    let refusal = bench.login("anna", 1).expect_err("draining");
    assert_eq!(refusal.code, RefusalCode::Draining);
    bench.run(3);
    let StoreReply::Owner(owner) = bench.store.apply(&StoreRequest::ReadOwner { key }) else {
        panic!("the owner is read")
    };
    assert_eq!(owner.owner, None, "the next login can go to another node");
    assert!(bench.drained());
}

impl Bench {
    /// Mail from a key that a stranger owns, put into the outbox and left for the routine round.
    fn mail_from_stranger(&mut self, target: Key, mails: &[Vec<u8>]) {
        let key = Key::Player(player("stranger"));
        self.store.apply(&StoreRequest::Claim { key, by: stranger(), seen: Epoch(0) });
        let posts = mails.iter().map(|mail| Post { target, mail: mail.clone() }).collect();
        let commit = Commit {
            key,
            epoch: Epoch(1),
            version: shared::ids::Version(0),
            parts: Vec::new(),
            mail_taken: None,
            posts,
        };
        let reply = self.store.apply(&StoreRequest::Commit(vec![commit]));
        assert_eq!(reply, StoreReply::Committed(vec![CommitVerdict::Done]));
    }
}
