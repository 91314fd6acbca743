//! How long a tick takes that matches waiting tickets, from a fixed seed.
//!
//! `cargo bench -p matchmaker`. Three lines of people: single players; parties of one to
//! five; parties of three only, of which no two fit on a side of five, so that everybody looks at
//! as many others as is allowed and finds nothing. The yardstick is sorting the ratings once.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use matchmaker::Matchmaker;
use shared::content::{Meeting, QueueRules, SideRules};
use shared::core::{Core, Input, Output};
use shared::directory::{DirectoryEvent, NodeCard, NodeState};
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, SessionId, SessionRef, TicketId};
use shared::msg::Body;
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::matchmaker_battle::ToBattle;
use shared::msg::replication::{Replicated, Stamp, SubscriptionId, ToPublisher, ToSubscriber};
use shared::msg::social_matchmaker::{PartyMember, ToMatchmaker};
use shared::rng::Draws;
use shared::tick::{Tick, TickRate};

const BASEAPP: Address = Address { node: NodeId { node: 2, incarnation: 1 }, role: Role::Baseapp };
const SOCIAL: Address = Address { node: NodeId { node: 3, incarnation: 1 }, role: Role::Social };

#[derive(Clone, Copy)]
struct Line {
    name: &'static str,
    party_sizes: (u64, u64),
}

fn main() {
    println!("line                tickets  ticks     first     worst       all    battles  sort");
    for tickets in [10_000, 100_000] {
        for line in [
            Line { name: "single players", party_sizes: (1, 1) },
            Line { name: "parties of 1 to 5", party_sizes: (1, 5) },
            Line { name: "parties of 3", party_sizes: (3, 3) },
        ] {
            measure(line, tickets);
        }
    }
}

fn measure(line: Line, tickets: u64) {
    let (mut core, ratings) = waiting(line, tickets);
    let mut outputs = Vec::new();
    let mut times = Vec::new();
    let mut battles = 0;
    let mut inputs = vec![battleapp()];
    // Until a whole round over the line has found nothing more.
    let mut idle = 0;
    let idle_max = tickets / 1_024 + 2;
    for tick in 3.. {
        let start = now();
        core.tick(Tick(tick), inputs.drain(..), &mut outputs);
        times.push(start.elapsed());
        let made = outputs.iter().filter(|output| is_start(output)).count();
        battles += made;
        outputs.clear();
        idle = if made == 0 { idle + 1 } else { 0 };
        if idle >= idle_max {
            break;
        }
    }
    let sort = sort_time(ratings);
    println!(
        "{:18} {tickets:8} {:6} {:>9} {:>9} {:>9} {battles:10} {:>9}",
        line.name,
        times.len(),
        ms(times[0]),
        ms(times.iter().copied().max().unwrap_or_default()),
        ms(times.iter().sum()),
        ms(sort),
    );
}

/// A matchmaker with so many waiting tickets and nowhere to fight yet.
fn waiting(line: Line, tickets: u64) -> (Matchmaker, Vec<i32>) {
    let rules = QueueRules {
        name: String::from("arena"),
        mode: String::from("arena"),
        meeting: Meeting::Sides(SideRules {
            side_fighters: 5,
            rating_window: 200,
            rating_window_growth_per_s: 0,
            rating_window_max: 200,
            rating_k: 32,
            bots: None,
        }),
    };
    let me = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Matchmaker };
    let queues = BTreeMap::from([(rules.name.clone(), rules)]);
    let mut core = Matchmaker::new(me, TickRate::new(20), queues, 1);
    let mut draws = Draws::new(2026, 1);
    let (mut outputs, mut inputs, mut ratings) = (Vec::new(), Vec::new(), Vec::new());
    let mut player = 0;
    let mut rating_of = BTreeMap::new();
    for ticket in 0..tickets {
        let (least, most) = line.party_sizes;
        let size = least + draws.below(most - least + 1);
        // The sum of three draws is bell-shaped enough.
        let bell = draws.below(1000) + draws.below(1000) + draws.below(1000);
        let rating = i32::try_from(bell).unwrap_or(0);
        let members: Vec<_> = (player..player + size).map(PlayerId).collect();
        player += size;
        ratings.push(rating);
        inputs.push(enqueue(TicketId(ticket), &members));
        rating_of.extend(members.iter().map(|&player| (player, rating)));
    }
    core.tick(Tick(1), inputs.drain(..), &mut outputs);
    inputs.extend(outputs.drain(..).filter_map(|output| snapshot(&output, &rating_of)));
    core.tick(Tick(2), inputs.drain(..), &mut outputs);
    (core, ratings)
}

fn enqueue(ticket: TicketId, players: &[PlayerId]) -> Input {
    let gateway = NodeId { node: 4, incarnation: 1 };
    let member = |&player: &PlayerId| PartyMember {
        player,
        session: SessionRef { gateway, session: SessionId(player.0) },
        baseapp: BASEAPP,
    };
    let party = players.iter().map(member).collect();
    let queue = String::from("arena");
    let body =
        Body::ToMatchmaker(ToMatchmaker::Enqueue { ticket, queue, party, head: Box::default() });
    Input::Frame { from: SOCIAL, body }
}

/// The baseapp's answer to a subscription.
fn snapshot(output: &Output, rating_of: &BTreeMap<PlayerId, i32>) -> Option<Input> {
    let Output::Send { body: Body::ToPublisher(said), .. } = output else { return None };
    let ToPublisher::Subscribe { subscription, key: Key::Player(player), .. } = said else {
        return None;
    };
    Some(card(*subscription, *player, rating_of[player]))
}

fn card(subscription: SubscriptionId, player: PlayerId, rating: i32) -> Input {
    let name = format!("player {}", player.0);
    let card = PlayerCard { name, level: 1, rating, hero: 1, ..PlayerCard::default() };
    let stamp = Stamp { epoch: Epoch(1), version: 1 };
    let components = vec![card.to_component()];
    let said = ToSubscriber::Snapshot { subscription, stamp, components };
    Input::Frame { from: BASEAPP, body: Body::ToSubscriber(said) }
}

fn battleapp() -> Input {
    Input::Directory(DirectoryEvent::Changed(NodeCard {
        id: NodeId { node: 5, incarnation: 1 },
        state: NodeState::Ready,
        build: String::new(),
        roles: vec![(Role::Battleapp, 0)],
        link: None,
        page: None,
    }))
}

const fn is_start(output: &Output) -> bool {
    matches!(output, Output::Send { body: Body::ToBattle(ToBattle::Start { .. }), .. })
}

fn sort_time(mut ratings: Vec<i32>) -> Duration {
    let start = now();
    ratings.sort_unstable();
    black_box(&ratings);
    start.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn ms(time: Duration) -> String {
    format!("{}.{:03} ms", time.as_millis(), time.as_micros() % 1000)
}
