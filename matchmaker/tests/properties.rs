//! Properties that hold whatever parties, cards, battleapps and losses of nodes come along.
//!
//! A model of the world around one matchmaker checks everything it says: which battles may run,
//! which tickets live. Each operation is one tick.

#[path = "properties/baseapp.rs"]
mod baseapp;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use matchmaker::Matchmaker;
use shared::content::{Meeting, QueueRules, SideRules};
use shared::core::{Core, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, BattleId, NodeId, PlayerId, Role, SessionId, SessionRef, TicketId};
use shared::msg::Body;
use shared::msg::matchmaker_battle::{FromBattle, Seat, ToBattle};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember, ToMatchmaker};
use shared::tick::{Tick, TickRate};

use baseapp::{BASEAPP, Baseapp};

const SIDE_FIGHTERS: usize = 3;
const WINDOW_MAX: i32 = 300;
const BATTLEAPPS: [u16; 2] = [10, 11];
const SOCIALS: [u16; 2] = [20, 21];

/// What happens next; numbers choose among what there is, modulo its count.
#[derive(Clone, Debug)]
enum Op {
    Enqueue { social: u8, players: Vec<u8> },
    Repeat(u8),
    Cards { rating: i32, missing: bool },
    Rate { player: u8, rating: i32 },
    Cancel(u8),
    Battle(u8, Act),
    LoseBattleapp(u8),
    LoseSocial(u8),
    Wait(u8),
    Drain,
}

/// What a battleapp does about a battle.
#[derive(Clone, Copy, Debug)]
enum Act {
    Start,
    StartSilently,
    Refuse,
    Unsent,
    End,
}

fn op() -> impl Strategy<Value = Op> {
    let act = prop_oneof![
        4 => Just(Act::Start),
        1 => Just(Act::StartSilently),
        1 => Just(Act::Refuse),
        1 => Just(Act::Unsent),
        3 => Just(Act::End),
    ];
    prop_oneof![
        30 => (any::<u8>(), vec(0u8..40, 1..=4))
            .prop_map(|(social, players)| Op::Enqueue { social, players }),
        2 => any::<u8>().prop_map(Op::Repeat),
        20 => (1300..1700i32, prop::bool::weighted(0.1))
            .prop_map(|(rating, missing)| Op::Cards { rating, missing }),
        10 => (0u8..40, 1300..1700i32).prop_map(|(player, rating)| Op::Rate { player, rating }),
        5 => any::<u8>().prop_map(Op::Cancel),
        20 => (any::<u8>(), act).prop_map(|(battle, act)| Op::Battle(battle, act)),
        2 => any::<u8>().prop_map(Op::LoseBattleapp),
        1 => any::<u8>().prop_map(Op::LoseSocial),
        6 => (1u8..50).prop_map(Op::Wait),
        1 => Just(Op::Drain),
    ]
}

struct ModelTicket {
    social: Address,
    players: Vec<PlayerId>,
}

struct ModelBattle {
    battleapp: Address,
    players: BTreeSet<PlayerId>,
}

/// The world, and what it has seen of the matchmaker.
struct World {
    core: Matchmaker,
    now: Tick,
    incarnations: BTreeMap<u16, u32>,
    baseapp: Baseapp,
    /// Tickets that were sent and not closed, of social nodes that live.
    live: BTreeMap<TicketId, ModelTicket>,
    /// All parties ever, to see whether one was split.
    parties: BTreeMap<TicketId, Vec<PlayerId>>,
    /// Ratings that have arrived, by player.
    ratings: BTreeMap<PlayerId, i32>,
    /// Seats of all battles that were ever asked for.
    seats: BTreeMap<BattleId, Vec<Seat>>,
    /// Tickets whose `Cancel` came too late; one more `Closed` answers it.
    cancelled_again: BTreeSet<TicketId>,
    /// Battles that run or may yet begin.
    battles: BTreeMap<BattleId, ModelBattle>,
    matches: usize,
    said: Vec<Output>,
}

impl World {
    fn new() -> Self {
        let rules = QueueRules {
            name: String::from("trio"),
            mode: String::from("arena"),
            meeting: Meeting::Sides(SideRules {
                side_fighters: 3,
                rating_window: 100,
                rating_window_growth_per_s: 40,
                rating_window_max: WINDOW_MAX,
                rating_k: 32,
                bots: None,
            }),
        };
        let me = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Matchmaker };
        let queues = BTreeMap::from([(rules.name.clone(), rules)]);
        let mut world = Self {
            core: Matchmaker::new(me, TickRate::new(20), queues, 7),
            now: Tick(0),
            incarnations: BTreeMap::new(),
            baseapp: Baseapp::new(me),
            live: BTreeMap::new(),
            parties: BTreeMap::new(),
            ratings: BTreeMap::new(),
            seats: BTreeMap::new(),
            cancelled_again: BTreeSet::new(),
            battles: BTreeMap::new(),
            matches: 0,
            said: Vec::new(),
        };
        for (nodes, role) in [(BATTLEAPPS, Role::Battleapp), (SOCIALS, Role::Social)] {
            let ups: Vec<_> = nodes.iter().map(|&node| world.up(node, role)).collect();
            world.tick(ups);
        }
        world
    }

    fn address(&self, node: u16, role: Role) -> Address {
        Address { node: NodeId { node, incarnation: self.incarnations[&node] }, role }
    }

    fn up(&mut self, node: u16, role: Role) -> Input {
        let incarnation = self.incarnations.entry(node).or_insert(0);
        *incarnation += 1;
        let id = NodeId { node, incarnation: *incarnation };
        let (state, build, roles) = (NodeState::Ready, String::new(), vec![(role, 0)]);
        Input::Directory(DirectoryEvent::Changed(NodeCard {
            id,
            state,
            build,
            roles,
            link: None,
            page: None,
        }))
    }

    fn tick(&mut self, mut inputs: Vec<Input>) {
        self.now = self.now.next();
        let mut outputs = Vec::new();
        self.core.tick(self.now, inputs.drain(..), &mut outputs);
        for output in &outputs {
            self.hear(output);
        }
        self.said.append(&mut outputs);
    }

    /// Checks one thing that the matchmaker said.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else fails the test")]
    fn hear(&mut self, output: &Output) {
        let Output::Send { to, body } = output else { panic!("{output:?}") };
        match body {
            Body::ToPublisher(said) => {
                assert_eq!(*to, BASEAPP);
                self.baseapp.hear(said);
            }
            Body::ToBattle(ToBattle::Start { battle, seats, .. }) => {
                self.battle_asked(*to, *battle, seats);
            }
            Body::ToBattle(ToBattle::Owners { battle, baseapps }) => {
                assert_eq!(*to, self.battles[battle].battleapp, "it was asked just now");
                assert_eq!(*baseapps, vec![BASEAPP; self.seats[battle].len()]);
            }
            Body::FromMatchmaker(said) => self.hear_social(*to, said),
            other => panic!("a matchmaker does not say {other:?}"),
        }
    }

    fn hear_social(&mut self, to: Address, said: &FromMatchmaker) {
        assert_eq!(to.node.incarnation, self.incarnations[&to.node.node], "the node is gone");
        match said {
            FromMatchmaker::Queued { ticket } | FromMatchmaker::Matched { ticket, .. } => {
                assert_eq!(self.live[ticket].social, to);
            }
            FromMatchmaker::Closed { ticket, .. } => {
                if let Some(closed) = self.live.remove(ticket) {
                    assert_eq!(closed.social, to);
                } else {
                    assert!(self.cancelled_again.remove(ticket), "{ticket} ends a second time");
                }
            }
        }
    }

    fn battle_asked(&mut self, battleapp: Address, battle: BattleId, seats: &[Seat]) {
        assert!(!self.battles.contains_key(&battle), "{battle} may have begun elsewhere");
        let players: BTreeSet<_> = seats.iter().map(|seat| seat.player).collect();
        assert_eq!(players.len(), 2 * SIDE_FIGHTERS, "each fights once");
        for (id, other) in &self.battles {
            assert!(other.players.is_disjoint(&players), "{battle} and {id} share a player");
        }
        for side in [0, 1] {
            let count = seats.iter().filter(|seat| seat.side == side).count();
            assert_eq!(count, SIDE_FIGHTERS);
        }
        assert!(seats.is_sorted_by_key(|seat| seat.side));
        match self.seats.insert(battle, seats.to_vec()) {
            None => self.check_parties(seats, &players),
            Some(before) => assert_eq!(before, seats, "{battle} is offered as another one"),
        }
        self.matches += 1;
        self.battles.insert(battle, ModelBattle { battleapp, players });
    }

    /// Every party that has a fighter has all of them, on one side, and the parties accept each
    /// other's ratings.
    fn check_parties(&self, seats: &[Seat], players: &BTreeSet<PlayerId>) {
        let mut seated = 0;
        let mut ratings = Vec::new();
        for seat in seats {
            assert_eq!(seat.card.rating, self.ratings[&seat.player]);
        }
        // The newest ticket of a player is the one that fights: an older one has ended.
        let mut left = players.clone();
        for party in self.parties.values().rev() {
            if !party.iter().any(|player| left.contains(player)) {
                continue;
            }
            let sides: BTreeSet<_> = seats
                .iter()
                .filter(|seat| party.contains(&seat.player))
                .map(|seat| seat.side)
                .collect();
            assert!(party.iter().all(|player| left.remove(player)), "a party was torn apart");
            assert_eq!(sides.len(), 1, "a party was split");
            seated += party.len();
            let sum: i32 = party.iter().map(|player| self.ratings[player]).sum();
            ratings.push(sum.div_euclid(i32::try_from(party.len()).expect("at most 3")));
        }
        assert_eq!(seated, seats.len());
        let (low, high) = (ratings.iter().min(), ratings.iter().max());
        let spread = high.zip(low).map(|(high, low)| high - low);
        assert!(spread.is_some_and(|spread| spread <= WINDOW_MAX), "{ratings:?}");
    }

    fn enqueue(&mut self, id: TicketId, social: Address, players: &[PlayerId]) -> Input {
        let member = |&player: &PlayerId| PartyMember {
            player,
            session: SessionRef {
                gateway: NodeId { node: 30, incarnation: 1 },
                session: SessionId(player.0),
            },
            baseapp: BASEAPP,
        };
        let party = players.iter().map(member).collect();
        let queue = String::from("trio");
        let body = Body::ToMatchmaker(ToMatchmaker::Enqueue {
            ticket: id,
            queue,
            party,
            head: Box::default(),
        });
        Input::Frame { from: social, body }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Enqueue { social, players } => self.enqueue_new(*social, players),
            Op::Repeat(pick) => {
                let Some((&id, ticket)) = nth(&self.live, *pick) else { return };
                let (social, players) = (ticket.social, ticket.players.clone());
                let input = self.enqueue(id, social, &players);
                self.tick(vec![input]);
            }
            Op::Cards { rating, missing } => self.answer_cards(*rating, *missing),
            Op::Rate { player, rating } => {
                self.baseapp.rate(self.now, PlayerId(u64::from(*player)), *rating);
            }
            Op::Cancel(pick) => self.cancel(*pick),
            Op::Battle(pick, act) => self.act(*pick, *act),
            Op::LoseBattleapp(pick) => {
                let node = BATTLEAPPS[usize::from(*pick) % BATTLEAPPS.len()];
                let lost = self.address(node, Role::Battleapp);
                self.battles.retain(|_, battle| battle.battleapp != lost);
                let up = self.up(node, Role::Battleapp);
                self.tick(vec![Input::Directory(DirectoryEvent::Gone(lost.node)), up]);
            }
            Op::LoseSocial(pick) => {
                let node = SOCIALS[usize::from(*pick) % SOCIALS.len()];
                let lost = self.address(node, Role::Social);
                self.live.retain(|_, ticket| ticket.social != lost);
                self.cancelled_again.clear();
                let up = self.up(node, Role::Social);
                self.tick(vec![Input::Directory(DirectoryEvent::Gone(lost.node)), up]);
            }
            Op::Wait(ticks) => (0..*ticks).for_each(|_| self.tick(Vec::new())),
            Op::Drain => self.tick(vec![Input::Drain]),
        }
    }

    fn enqueue_new(&mut self, social: u8, players: &[u8]) {
        let id = TicketId(u64::try_from(self.parties.len()).expect("a few"));
        let social = SOCIALS[usize::from(social) % SOCIALS.len()];
        let social = self.address(social, Role::Social);
        let players: Vec<_> = players.iter().map(|&n| PlayerId(u64::from(n))).collect();
        self.live.insert(id, ModelTicket { social, players: players.clone() });
        self.parties.insert(id, Vec::new());
        let input = self.enqueue(id, social, &players);
        let begun = self.baseapp.begun();
        self.tick(vec![input]);
        if self.baseapp.begun() > begun {
            self.parties.insert(id, players);
        }
    }

    fn answer_cards(&mut self, rating: i32, missing: bool) {
        self.baseapp.answer(self.now, rating, missing);
        let (said, ratings) = self.baseapp.arrivals();
        self.ratings.extend(ratings);
        let frame = |said| Input::Frame { from: BASEAPP, body: Body::ToSubscriber(said) };
        self.tick(said.into_iter().map(frame).collect());
    }

    fn cancel(&mut self, pick: u8) {
        let Some((&ticket, _)) = nth(&self.parties, pick) else { return };
        let from = match self.live.get(&ticket) {
            Some(live) => live.social,
            None => self.address(SOCIALS[0], Role::Social),
        };
        if !self.live.contains_key(&ticket) {
            self.cancelled_again.insert(ticket);
        }
        let body = Body::ToMatchmaker(ToMatchmaker::Cancel { ticket });
        self.tick(vec![Input::Frame { from, body }]);
        self.cancelled_again.clear();
    }

    fn act(&mut self, pick: u8, act: Act) {
        let Some((&battle, of)) = nth(&self.battles, pick) else { return };
        let from = of.battleapp;
        let said = match act {
            Act::StartSilently => return,
            Act::Start => FromBattle::Started { battle },
            Act::End => FromBattle::Ended { battle },
            Act::Refuse => {
                let refusal = Refusal::new(RefusalCode::Busy, "full");
                FromBattle::Refused { battle, refusal }
            }
            Act::Unsent => {
                let (mode, seats) = (String::new(), Vec::new());
                let body = Body::ToBattle(ToBattle::Start {
                    battle,
                    mode,
                    seed: 0,
                    seats,
                    bots: Vec::new(),
                });
                // Only a battle that did not answer yet can come back; else nothing happens.
                let status = self.core.status();
                let running =
                    status.values.iter().any(|(name, n)| *name == "battles_running" && *n > 0);
                if !running {
                    self.battles.remove(&battle);
                    self.tick(vec![Input::Unsent { to: from, body }]);
                }
                return;
            }
        };
        if !matches!(act, Act::Start) {
            self.battles.remove(&battle);
        }
        self.tick(vec![Input::Frame { from, body: Body::FromBattle(said) }]);
    }

    /// Ends everything; afterwards nothing may be left.
    fn finish(&mut self) {
        self.tick(vec![Input::Drain]);
        while !self.battles.is_empty() {
            self.act(0, Act::End);
        }
        assert!(self.live.is_empty(), "{:?} did not end", self.live.keys());
        let status = self.core.status();
        assert!(status.drained && status.load == 0, "{status:?}");
        assert_eq!(self.baseapp.followed(), 0, "no card is followed for nothing");
    }
}

fn nth<K, V>(map: &BTreeMap<K, V>, pick: u8) -> Option<(&K, &V)> {
    map.iter().nth(usize::from(pick) % map.len().max(1))
}

fn played(ops: &[Op]) -> World {
    let mut world = World::new();
    ops.iter().for_each(|op| world.run(op));
    world.finish();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn nobody_fights_twice_and_every_ticket_ends_once(ops in vec(op(), 1..150)) {
        let (one, other) = (played(&ops), played(&ops));
        prop_assert_eq!(one.said, other.said, "the same inputs give the same outputs");
    }
}

#[test]
fn the_random_worlds_do_make_matches() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut matches = 0;
    for _ in 0..40 {
        let ops = vec(op(), 150).new_tree(&mut runner).unwrap().current();
        matches += played(&ops).matches;
    }
    assert!(matches > 40, "only {matches} battles were asked for");
}
