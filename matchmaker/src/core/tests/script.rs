//! What a script may do to a matchmaker, and how what it says is read.

use shared::content::{BotRules, CrowdRules, Meeting, SideRules, Strength};
use shared::directory::{NodeCard, NodeState};
use shared::ids::{Epoch, Key};
use shared::ids::{SessionId, SessionRef};
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::matchmaker_battle::{FromBattle, Seat};
use shared::msg::replication::{
    EndReason, Replicated, Stamp, SubscriptionId, ToPublisher, ToSubscriber,
};
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember};

use super::super::*;

pub(super) const SOCIAL: u16 = 1;
pub(super) const OTHER_SOCIAL: u16 = 2;
pub(super) const BASEAPP: u16 = 3;
/// The battleapp that most scripts use.
pub(super) const BATTLEAPP: u16 = 7;

/// What happens; the tick runs after each of them.
#[derive(Clone, Copy)]
pub(super) enum Do<'a> {
    /// A ticket in the queue for two (one against one).
    Enqueue(u64, &'a [u64]),
    EnqueueIn(&'a str, u64, &'a [u64]),
    EnqueueFrom(u16, u64, &'a [u64]),
    /// Cards of players with a rating of 1500.
    Cards(&'a [u64]),
    /// The card of a player with this rating.
    Card(u64, i32),
    /// Another card of a player, with this rating.
    Changed(u64, i32),
    /// A change of a player's card that does not arrive.
    LoseChange(u64),
    /// The baseapp does not own the player.
    NoCard(u64),
    /// The baseapp gives the player back.
    CardLost(u64),
    Cancel(u64),
    WaitMs(u64),
    Up(u16, Role),
    Gone(u16),
    Started(u16, u64),
    Refused(u16, u64),
    Ended(u16, u64),
    /// The request to begin this battle comes back from this battleapp.
    StartUnsent(u16, u64),
    CardUnsent(u64),
    Drain,
}
pub(super) use Do::*;

/// Two single players who fight battle 0 at node 7 are matched.
pub(super) const MATCHED: [Do<'_>; 5] = [
    Up(BATTLEAPP, Role::Battleapp),
    Enqueue(1, &[11]),
    Cards(&[11]),
    Enqueue(2, &[12]),
    Cards(&[12]),
];
pub(super) const MATCHED_LINES: [&str; 5] =
    ["card 11", "queued 1", "card 12", "queued 2", "start 0 at 7"];

pub(super) fn address(node: u16, role: Role) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role }
}

pub(super) fn battle(n: u64) -> BattleId {
    BattleId(NodeId { node: 9, incarnation: 1 }.unique(n))
}

pub(super) fn queue(name: &str, side_fighters: u8) -> (String, QueueRules) {
    let rules = QueueRules {
        name: String::from(name),
        mode: String::from("arena"),
        meeting: Meeting::Sides(SideRules {
            side_fighters,
            rating_window: 200,
            rating_window_growth_per_s: 40,
            rating_window_max: 2000,
            rating_k: 32,
            bots: None,
        }),
    };
    (rules.name.clone(), rules)
}

pub(super) fn matchmaker() -> Matchmaker {
    let (name, mut rules) = queue("practice", 2);
    if let Meeting::Sides(sides) = &mut rules.meeting {
        sides.bots = Some(BotRules { after_s: 12, strength: Strength::Regular });
    }
    let crowd = CrowdRules { players_min: 2, players_max: 100, wait_s: 12 };
    let siege = QueueRules {
        name: String::from("siege"),
        mode: String::from("siege"),
        meeting: Meeting::Crowd(crowd),
    };
    let queues = [queue("arena", 5), queue("duel", 1), (name, rules), ("siege".into(), siege)];
    let queues = BTreeMap::from(queues);
    Matchmaker::new(address(9, Role::Matchmaker), TickRate::new(20), queues, 1)
}

/// What the baseapp was told to publish: the newest subscription of each player, and the version
/// of its last frame.
pub(super) type Subscriptions = BTreeMap<u64, (SubscriptionId, u64)>;

pub(super) fn player_card(player: u64, rating: i32) -> PlayerCard {
    let name = format!("player {player}");
    PlayerCard { name, level: 1, rating, hero: 1, ..PlayerCard::default() }
}

pub(super) fn told(said: ToSubscriber) -> Input {
    Input::Frame { from: address(BASEAPP, Role::Baseapp), body: Body::ToSubscriber(said) }
}

pub(super) fn snapshot(known: &mut Subscriptions, player: u64, rating: i32) -> Input {
    let (subscription, version) = known.get_mut(&player).expect("a card was asked for");
    *version = 1;
    let stamp = Stamp { epoch: Epoch(1), version: 1 };
    let components = vec![player_card(player, rating).to_component()];
    told(ToSubscriber::Snapshot { subscription: *subscription, stamp, components })
}

pub(super) fn changed(known: &mut Subscriptions, player: u64, rating: i32) -> Input {
    let (subscription, version) = known.get_mut(&player).expect("a card was asked for");
    *version += 1;
    let stamp = Stamp { epoch: Epoch(1), version: *version };
    let components = vec![player_card(player, rating).to_component()];
    told(ToSubscriber::Changes { subscription: *subscription, stamp, components })
}

pub(super) fn ended(known: &Subscriptions, player: u64, reason: EndReason) -> Input {
    told(ToSubscriber::Ended { subscription: known[&player].0, reason })
}

pub(super) fn enqueue(social: u16, queue: &str, ticket: u64, players: &[u64]) -> Input {
    let member = |&player: &u64| PartyMember {
        player: PlayerId(player),
        session: SessionRef {
            gateway: NodeId { node: 4, incarnation: 1 },
            session: SessionId(player),
        },
        baseapp: address(BASEAPP, Role::Baseapp),
    };
    let party = players.iter().map(member).collect();
    let queue = String::from(queue);
    let body = Body::ToMatchmaker(ToMatchmaker::Enqueue {
        ticket: TicketId(ticket),
        queue,
        party,
        head: Box::default(),
    });
    Input::Frame { from: address(social, Role::Social), body }
}

pub(super) fn said(from: u16, said: FromBattle) -> Input {
    Input::Frame { from: address(from, Role::Battleapp), body: Body::FromBattle(said) }
}

pub(super) fn inputs(step: Do<'_>, known: &mut Subscriptions) -> Vec<Input> {
    let input = match step {
        Enqueue(ticket, players) => enqueue(SOCIAL, "duel", ticket, players),
        EnqueueIn(queue, ticket, players) => enqueue(SOCIAL, queue, ticket, players),
        EnqueueFrom(social, ticket, players) => enqueue(social, "duel", ticket, players),
        Cards(players) => {
            return players.iter().map(|&player| snapshot(known, player, 1500)).collect();
        }
        Card(player, rating) => snapshot(known, player, rating),
        Changed(player, rating) => changed(known, player, rating),
        LoseChange(player) => {
            let _lost = changed(known, player, 0);
            return Vec::new();
        }
        NoCard(player) => ended(known, player, EndReason::NotOwned),
        CardLost(player) => ended(known, player, EndReason::Lost),
        Cancel(ticket) => {
            let body = Body::ToMatchmaker(ToMatchmaker::Cancel { ticket: TicketId(ticket) });
            Input::Frame { from: address(SOCIAL, Role::Social), body }
        }
        WaitMs(_) => return Vec::new(),
        Up(node, role) => Input::Directory(DirectoryEvent::Changed(NodeCard {
            id: NodeId { node, incarnation: 1 },
            state: NodeState::Ready,
            build: String::new(),
            roles: vec![(role, 0)],
            link: None,
            page: None,
        })),
        Gone(node) => Input::Directory(DirectoryEvent::Gone(NodeId { node, incarnation: 1 })),
        Started(from, n) => said(from, FromBattle::Started { battle: battle(n) }),
        Refused(from, n) => {
            let refusal = Refusal::new(RefusalCode::Busy, "full");
            said(from, FromBattle::Refused { battle: battle(n), refusal })
        }
        Ended(from, n) => said(from, FromBattle::Ended { battle: battle(n) }),
        StartUnsent(to, n) => {
            let (mode, seats) = (String::from("arena"), Vec::new());
            let start =
                ToBattle::Start { battle: battle(n), mode, seed: 0, seats, bots: Vec::new() };
            Input::Unsent { to: address(to, Role::Battleapp), body: Body::ToBattle(start) }
        }
        CardUnsent(player) => {
            let (subscription, key) = (known[&player].0, Key::Player(PlayerId(player)));
            let said = ToPublisher::Subscribe { subscription, key, components: Vec::new() };
            let to = address(BASEAPP, Role::Baseapp);
            Input::Unsent { to, body: Body::ToPublisher(said) }
        }
        Drain => Input::Drain,
    };
    vec![input]
}

/// An output in a few words; `None` for the end of a subscription, which follows from the end
/// of its ticket, and for the owners of a battle's players, which follow its start.
#[expect(clippy::wildcard_enum_match_arm, reason = "everything else fails the test")]
pub(super) fn line(output: &Output) -> Option<String> {
    let Output::Send { to, body } = output else { panic!("nothing but frames: {output:?}") };
    Some(match body {
        Body::ToPublisher(ToPublisher::Unsubscribe { .. })
        | Body::ToBattle(ToBattle::Owners { .. }) => return None,
        Body::ToPublisher(ToPublisher::Resnapshot { have, .. }) => {
            format!("newest after {}?", have.map_or(0, |stamp| stamp.version))
        }
        Body::ToPublisher(ToPublisher::Subscribe { key: Key::Player(player), .. }) => {
            format!("card {}", player.0)
        }
        Body::ToBattle(ToBattle::Start { battle, .. }) => {
            format!("start {} at {}", battle.0 & 0xFFF_FFFF, to.node.node)
        }
        Body::FromMatchmaker(FromMatchmaker::Queued { ticket }) => format!("queued {}", ticket.0),
        Body::FromMatchmaker(FromMatchmaker::Matched { ticket, battleapp, .. }) => {
            format!("matched {} at {}", ticket.0, battleapp.node.node)
        }
        Body::FromMatchmaker(FromMatchmaker::Closed { ticket, refused: None }) => {
            format!("closed {}", ticket.0)
        }
        Body::FromMatchmaker(FromMatchmaker::Closed { ticket, refused: Some(refusal) }) => {
            format!("closed {} {:?}", ticket.0, refusal.code)
        }
        other => panic!("a matchmaker does not say {other:?}"),
    })
}

pub(super) fn note_subscriptions(outputs: &[Output], known: &mut Subscriptions) {
    for output in outputs {
        let Output::Send { body: Body::ToPublisher(said), .. } = output else { continue };
        if let ToPublisher::Subscribe { subscription, key: Key::Player(player), .. } = said {
            known.insert(player.0, (*subscription, 0));
        }
    }
}

/// Runs the script and returns all outputs and the matchmaker.
pub(super) fn played(script: &[Do<'_>]) -> (Vec<Output>, Matchmaker) {
    let mut core = matchmaker();
    let mut now = Tick(0);
    let mut known = Subscriptions::new();
    let mut all = Vec::new();
    for step in script {
        let ticks = if let WaitMs(ms) = step { TickRate::new(20).ticks_of_ms(*ms) } else { 1 };
        let mut inputs = inputs(*step, &mut known);
        for _ in 0..ticks {
            now = now.next();
            let mut outputs = Vec::new();
            core.tick(now, inputs.drain(..), &mut outputs);
            note_subscriptions(&outputs, &mut known);
            all.extend(outputs);
        }
    }
    (all, core)
}

/// Runs the script and returns what was said, one line each, and the matchmaker.
pub(super) fn run(script: &[Do<'_>]) -> (Vec<String>, Matchmaker) {
    let (outputs, core) = played(script);
    (outputs.iter().filter_map(line).collect(), core)
}

pub(super) fn check(script: &[Do<'_>], expected: &[&str]) -> Matchmaker {
    let (lines, core) = run(script);
    assert_eq!(lines, expected);
    core
}

/// The script after [`MATCHED`].
pub(super) fn check_matched(script: &[Do<'_>], expected: &[&str]) -> Matchmaker {
    check(&[&MATCHED, script].concat(), &[&MATCHED_LINES, expected].concat())
}

pub(super) fn value(core: &Matchmaker, name: &str) -> u64 {
    let status = core.status();
    status.values.iter().find(|(known, _)| *known == name).expect("the value is reported").1
}

/// The mode and the seats of the last battle that was to begin.
pub(super) fn started(outputs: &[Output]) -> Option<(&str, &[Seat])> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Send { body: Body::ToBattle(ToBattle::Start { mode, seats, .. }), .. } => {
            Some((&mode[..], &seats[..]))
        }
        Output::Send { .. } | Output::Store { .. } | Output::Edge(_) => None,
        Output::SaveReplay { .. } => None,
    })
}

/// The bots of the last battle that was to begin: side and strength.
pub(super) fn started_bots(outputs: &[Output]) -> Vec<(u8, Strength)> {
    let bots = outputs.iter().rev().find_map(|output| match output {
        Output::Send { body: Body::ToBattle(ToBattle::Start { bots, .. }), .. } => Some(bots),
        Output::Send { .. } | Output::Store { .. } | Output::Edge(_) => None,
        Output::SaveReplay { .. } => None,
    });
    bots.into_iter().flatten().map(|bot| (bot.side, bot.strength)).collect()
}
