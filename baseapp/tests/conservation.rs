//! Items and gold are neither lost nor doubled, whatever players ask for and whenever the process
//! dies, with answers of the store late, and with requests tried again.

#[path = "players/bench.rs"]
mod bench;

use std::collections::BTreeMap;

use bench::{Bench, gift};
use proptest::prelude::*;
use shared::ids::RequestId;
use shared::msg::client::{Attachments, PlayerRequest};

const ACCOUNTS: [&str; 3] = ["anna", "bert", "cleo"];
const SWORD: u16 = 1;
const MEAT: u16 = 40;

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Gift { from: usize, to: usize, gold: u64, meat: u32 },
    Claim { who: usize },
    Equip { who: usize },
    RepeatLast,
    LoginAgain { who: usize },
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
        2 => Just(Step::RepeatLast),
        1 => (0..3usize).prop_map(|who| Step::LoginAgain { who }),
        1 => Just(Step::Crash),
        1 => Just(Step::StoreStalls),
        2 => Just(Step::StoreAnswers),
    ]
}

/// Gold and every item over all players, bags, what is worn, and letters.
fn wealth(bench: &mut Bench) -> BTreeMap<u16, u64> {
    let mut sum = BTreeMap::new();
    for account in ACCOUNTS {
        let mut add = |item: u16, count: u64| *sum.entry(item).or_insert(0) += count;
        add(0, bench.gold(account));
        for stack in bench.bag(account) {
            add(stack.item, u64::from(stack.count));
        }
        for item in bench.equipment(account).into_iter().flatten() {
            add(item, 1);
        }
        for letter in bench.letters(account) {
            let Attachments { gold, stacks } = letter.attached;
            add(0, gold);
            for stack in stacks {
                add(stack.item, u64::from(stack.count));
            }
        }
    }
    sum
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
        let before = wealth(&mut bench);
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
        }
        bench.store_answers = true;
        bench.run(20);
        bench.crash();
        login_all(&mut bench, &mut sessions);
        bench.run(1_000);
        prop_assert_eq!(wealth(&mut bench), before);
    }
}
