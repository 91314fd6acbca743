//! Items and gold are neither lost nor doubled, whatever players ask for and whenever the process
//! dies, with answers of the store late, and with requests tried again: all that is in the world
//! is what the books of all players say was minted and not spent, after every single step.

#[path = "players/bench.rs"]
mod bench;

use std::collections::BTreeMap;

use baseapp::audit::{Asset, Counts, GuildRecord, Report, audit};
use bench::{Bench, gift, player};
use proptest::prelude::*;
use shared::ids::{Address, BattleId, Epoch, Key, NodeId, RequestId, Role, Version};
use shared::limits::BATTLES_REMEMBERED_MAX;
use shared::msg::client::{Attachments, Outcome, PlayerRequest, Reply, Stack};
use shared::msg::mail::Mail;
use shared::store::memory::MemoryStore;
use shared::store::scan::StoreScan as _;
use shared::store::{Commit, CommitVerdict, PartId, Post, StoreReply, StoreRequest};
use shared::wire;

const ACCOUNTS: [&str; 3] = ["anna", "bert", "cleo"];
const SWORD: u16 = 1;
const MEAT: u16 = 40;
const PURSE: u16 = 21;
const CHEST: u16 = 22;
/// The part that a record of an older build lacks.
const BOOKS: PartId = PartId(10);

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Gift {
        from: usize,
        to: usize,
        gold: u64,
        meat: u32,
    },
    Claim {
        who: usize,
    },
    Equip {
        who: usize,
    },
    Use {
        who: usize,
        item: u16,
    },
    Feed {
        who: usize,
    },
    /// A battle ends, and two are paid.
    Battle {
        won: usize,
        lost: usize,
    },
    RepeatLast,
    LoginAgain {
        who: usize,
    },
    Crash,
    StoreStalls,
    StoreAnswers,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3usize, 0..3usize, 0..200u64, 0..4u32)
            .prop_map(|(from, to, gold, meat)| Step::Gift { from, to, gold, meat }),
        4 => (0..3usize).prop_map(|who| Step::Claim { who }),
        1 => (0..3usize).prop_map(|who| Step::Equip { who }),
        2 => (0..3usize, prop::sample::select(vec![PURSE, CHEST]))
            .prop_map(|(who, item)| Step::Use { who, item }),
        2 => (0..3usize).prop_map(|who| Step::Feed { who }),
        2 => (0..3usize, 0..3usize).prop_map(|(won, lost)| Step::Battle { won, lost }),
        2 => Just(Step::RepeatLast),
        1 => (0..3usize).prop_map(|who| Step::LoginAgain { who }),
        1 => Just(Step::Crash),
        1 => Just(Step::StoreStalls),
        2 => Just(Step::StoreAnswers),
    ]
}

/// Gold and every item over all players, bags, what is worn, and letters, as clients see it.
fn wealth(bench: &mut Bench) -> BTreeMap<Asset, i128> {
    let mut sum = BTreeMap::new();
    for account in ACCOUNTS {
        let gold = bench.gold(account);
        let mut count = |asset, count: u64| *sum.entry(asset).or_insert(0) += i128::from(count);
        count(Asset::Gold, gold);
        for stack in bench.bag(account) {
            count(Asset::Item(stack.item), u64::from(stack.count));
        }
        for item in bench.equipment(account).into_iter().flatten() {
            count(Asset::Item(item), 1);
        }
        for letter in bench.letters(account) {
            let Attachments { gold, stacks } = letter.attached;
            count(Asset::Gold, gold);
            for stack in stacks {
                count(Asset::Item(stack.item), u64::from(stack.count));
            }
        }
    }
    sum
}

/// What the store and the books say; nobody is in a guild.
fn audited(bench: &mut Bench) -> Report {
    audit(&mut bench.store, |_| Ok(GuildRecord::default())).expect("memory can be read")
}

/// What the books say is in the world.
fn booked(report: &Report) -> BTreeMap<Asset, i128> {
    let lines = report.lines.iter().map(|(asset, line)| (*asset, line.minted - line.spent));
    lines.filter(|(_, amount)| *amount != 0).collect()
}

/// A battleapp stores the result of a battle; the relay finds it later.
fn battle_ends(bench: &mut Bench, battle: u64, won: usize, lost: usize) {
    let key = Key::Battle(BattleId(battle));
    let result = |who: usize, outcome, gold, items: &[(u16, u32)]| {
        let stacks = items.iter().map(|&(item, count)| Stack { item, count }).collect();
        let attached = Attachments { gold, stacks };
        let battle = BattleId(battle);
        let mail = Mail::BattleResult { battle, outcome, rating_change: 1, xp: 90, attached };
        Post { target: Key::Player(player(ACCOUNTS[who])), mail: wire::encode(&mail) }
    };
    let (winner, loser) = ([(CHEST, 1), (MEAT, 2)], [(MEAT, 1)]);
    let posts =
        vec![result(won, Outcome::Won, 60, &winner), result(lost, Outcome::Lost, 20, &loser)];
    let by = Address { node: NodeId { node: 8, incarnation: 1 }, role: Role::Battleapp };
    bench.store.apply(&StoreRequest::Claim { key, by, seen: Epoch(0) });
    let (epoch, version) = (Epoch(1), Version(0));
    let commit = Commit { key, epoch, version, parts: Vec::new(), mail_taken: None, posts };
    let reply = bench.store.apply(&StoreRequest::Commit(vec![commit]));
    assert_eq!(reply, StoreReply::Committed(vec![CommitVerdict::Done]));
}

/// The battles that a player is told of, in the order of their ids.
fn battles_of(bench: &mut Bench, account: &'static str) -> Vec<u64> {
    let Ok(Reply::Battles(lines)) = bench.ask(account, PlayerRequest::ReadBattles) else {
        panic!("battles can be read")
    };
    let mut battles: Vec<u64> = lines.iter().map(|line| line.battle.0).collect();
    battles.sort_unstable();
    battles
}

fn login_all(bench: &mut Bench, sessions: &mut u64) {
    for account in ACCOUNTS {
        *sessions += 1;
        bench.login(account, *sessions).expect("the same secret");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn wealth_is_conserved(steps in prop::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new();
        let mut sessions = 0;
        login_all(&mut bench, &mut sessions);
        let mut battles = 0;
        let mut fought: Vec<Vec<u64>> = vec![Vec::new(); ACCOUNTS.len()];
        let mut last: Option<(&'static str, RequestId, PlayerRequest)> = None;
        for step in steps {
            let mut ask = |bench: &mut Bench, who: usize, request: PlayerRequest| {
                let id = bench.send(ACCOUNTS[who], request.clone());
                last = Some((ACCOUNTS[who], id, request));
            };
            match step {
                Step::Gift { from, to, gold, meat } => {
                    let stacks: &[_] = if meat > 0 { &[(MEAT, meat)] } else { &[] };
                    ask(&mut bench, from, gift(ACCOUNTS[to], gold, stacks));
                }
                Step::Claim { who } => {
                    for letter in bench.known_letters(ACCOUNTS[who]) {
                        ask(&mut bench, who, PlayerRequest::ClaimLetter { letter });
                    }
                }
                Step::Equip { who } => ask(&mut bench, who, PlayerRequest::Equip { item: SWORD }),
                Step::Use { who, item } => ask(&mut bench, who, PlayerRequest::UseItem { item }),
                Step::Feed { who } => {
                    ask(&mut bench, who, PlayerRequest::FeedPet { pet: 0, item: MEAT });
                }
                Step::Battle { won, lost } => {
                    battles += 1;
                    battle_ends(&mut bench, battles, won, lost);
                    fought[won].push(battles);
                    fought[lost].push(battles);
                }
                Step::RepeatLast => {
                    if let Some((account, id, request)) = last.clone() {
                        bench.send_as(account, id, request);
                    }
                }
                Step::LoginAgain { who } if bench.store_answers => {
                    sessions += 1;
                    bench.login(ACCOUNTS[who], sessions).expect("the same secret");
                }
                Step::LoginAgain { .. } => {}
                Step::Crash => {
                    bench.store_answers = true;
                    bench.crash();
                    login_all(&mut bench, &mut sessions);
                }
                Step::StoreStalls => bench.store_answers = false,
                Step::StoreAnswers => bench.store_answers = true,
            }
            bench.run(1);
            let report = audited(&mut bench);
            prop_assert!(report.is_conserved() && report.is_whole(), "{report:?}");
        }
        bench.store_answers = true;
        bench.run(20);
        bench.crash();
        login_all(&mut bench, &mut sessions);
        bench.run(1_000);
        let report = audited(&mut bench);
        prop_assert!(report.is_conserved() && report.is_whole(), "{report:?}");
        let Counts { posts_waiting, mails_waiting, .. } = report.counts;
        prop_assert_eq!((posts_waiting, mails_waiting), (0, 0), "all mail has arrived");
        prop_assert_eq!(wealth(&mut bench), booked(&report), "what clients see is booked");
        for (account, fought) in ACCOUNTS.into_iter().zip(fought) {
            let remembered = battles_of(&mut bench, account);
            prop_assert_eq!(remembered.len(), fought.len().min(BATTLES_REMEMBERED_MAX));
            if fought.len() <= BATTLES_REMEMBERED_MAX {
                prop_assert_eq!(remembered, fought, "each battle is entered once");
            }
        }
    }
}

#[test]
fn what_is_used_and_fed_is_spent_and_what_comes_of_it_is_minted() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    let before = audited(&mut bench);
    bench.ask("anna", PlayerRequest::UseItem { item: PURSE }).expect("there is one");
    bench.ask("anna", PlayerRequest::FeedPet { pet: 0, item: MEAT }).expect("there is some");
    let after = audited(&mut bench);
    let moved = |asset: Asset| {
        let (before, after) = (before.lines[&asset], after.lines[&asset]);
        (after.minted - before.minted, after.spent - before.spent)
    };
    assert_eq!(moved(Asset::Item(PURSE)), (0, 1));
    assert_eq!(moved(Asset::Item(MEAT)), (0, 1));
    assert_eq!(moved(Asset::Gold), (100, 0));
}

#[test]
fn a_record_that_is_older_than_books_gets_them_with_its_next_change() {
    let mut bench = Bench::new();
    bench.login("anna", 1).expect("a new account");
    bench.login("bert", 2).expect("a new account");
    bench.ask("anna", gift("bert", 7, &[])).expect("there is gold");
    bench.crash();
    bench.store = without_books(&bench.store);
    bench.login("anna", 3).expect("the same secret");
    bench.ask("anna", PlayerRequest::Equip { item: SWORD }).expect("there is one");
    let report = audited(&mut bench);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    assert_eq!(report.counts.players_without_books, 2, "to wear something is not booked");
    bench.ask("anna", PlayerRequest::UseItem { item: PURSE }).expect("there is one");
    bench.login("bert", 4).expect("the same secret");
    bench.run(1_000);
    bench.ask("bert", gift("anna", 5, &[(MEAT, 1)])).expect("there is some");
    bench.run(1_000);
    let report = audited(&mut bench);
    assert!(report.is_conserved() && report.is_whole(), "{report:?}");
    let counts = report.counts;
    assert_eq!((counts.players_without_books, counts.players_with_late_books), (0, 2));
}

/// The same store as a build wrote it that knew no books: every record anew, without them.
fn without_books(store: &MemoryStore) -> MemoryStore {
    let mut records = Vec::new();
    let mut old = store.clone();
    old.scan(&mut |key, record| records.push((key, record))).expect("memory can be read");
    let mut new = MemoryStore::default();
    for (key, record) in records {
        let parts = record.parts.into_iter().filter(|(part, _)| *part != BOOKS).collect();
        let posts = record.outbox.into_iter();
        let posts = posts.map(|post| Post { target: post.target, mail: post.mail }).collect();
        let by = Address { node: NodeId { node: 9, incarnation: 1 }, role: Role::Baseapp };
        new.apply(&StoreRequest::Claim { key, by, seen: Epoch(0) });
        let (epoch, version) = (Epoch(1), Version(0));
        let commit = Commit { key, epoch, version, parts, mail_taken: None, posts };
        new.apply(&StoreRequest::Commit(vec![commit]));
        new.apply(&StoreRequest::Release { key, epoch });
    }
    new
}
