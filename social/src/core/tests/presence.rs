//! Presence: told by the lobby, followed by the nodes that look after guilds, shown in rosters.

use std::collections::{BTreeMap, BTreeSet};

use shared::core::{Core, Input};
use shared::directory::{DirectoryEvent, Nodes};
use shared::ids::{Address, BattleId, GuildId, Key, NodeId, PlayerId, RequestId, Role};
use shared::msg::Body;
use shared::msg::client::Presence::{self, Fighting, Offline, Online, Unknown};
use shared::msg::client::{Reply, SocialRequest};
use shared::msg::refusal::RefusalCode;
use shared::msg::social_matchmaker::FromMatchmaker;

use super::guilds::{found, join, leave};
use super::harness::{BATTLEAPP, Harness};
use crate::core::guilds::{PRESENCE_MS_MAX, UNREAD_MS};
use crate::core::presence::SETTLE_MS;

/// Nodes in the tests; the numbers leave room for the others of the harness.
const NUMBERS: [u16; 3] = [11, 12, 13];
const TICK_MS: u64 = 10;

/// Social nodes that hear from each other; the test is their gateway.
struct Cluster {
    nodes: BTreeMap<Address, Harness>,
    known: Nodes,
    /// What is sent to or by these is lost.
    silent: BTreeSet<Address>,
    /// Players who are online.
    online: BTreeSet<u64>,
    guild: GuildId,
}

impl Cluster {
    /// A guild of the players `members`, the first of whom has founded it, and a lobby that has
    /// settled and is not the guild's home.
    fn new(members: &[u64]) -> Self {
        let mut known = Nodes::default();
        for node in NUMBERS {
            let id = NodeId { node, incarnation: 1 };
            known.apply(&DirectoryEvent::Changed(Harness::card(id, Role::Social)));
        }
        let names = (0..).map(|n| format!("guild {n}"));
        let away =
            |name: &String| known.home_of_key(Key::Guild(GuildId::of_name(name))) != known.lobby();
        let name = names.into_iter().find(away).expect("some guild is at home elsewhere");
        let nodes = NUMBERS.map(Harness::at).into_iter().map(|node| (node.me(), node));
        let (silent, online) = (BTreeSet::new(), BTreeSet::new());
        let guild = GuildId::of_name(&name);
        let mut cluster = Self { nodes: nodes.collect(), known, silent, online, guild };
        for harness in cluster.nodes.values_mut() {
            for node in NUMBERS {
                harness.ready(NodeId { node, incarnation: 1 }, Role::Social);
            }
        }
        cluster.run_ms(SETTLE_MS + 100);
        let (first, rest) = members.split_first().expect("somebody founds it");
        cluster.home().mail(*first, guild, &found(*first, &name));
        for member in rest {
            cluster.home().mail(*member, guild, &join(*member));
        }
        cluster
    }

    fn lobby(&mut self) -> &mut Harness {
        let lobby = self.known.lobby().expect("there are nodes");
        self.nodes.get_mut(&lobby).expect("it is one of them")
    }

    fn home(&mut self) -> &mut Harness {
        let home = self.known.home_of_key(Key::Guild(self.guild)).expect("there are nodes");
        self.nodes.get_mut(&home).expect("it is one of them")
    }

    /// All nodes tick, and what they say to each other arrives.
    fn tick(&mut self) {
        self.nodes.values_mut().for_each(Harness::tick);
        let addresses: Vec<Address> = self.nodes.keys().copied().collect();
        for from in addresses {
            let sent = std::mem::take(&mut self.nodes.get_mut(&from).expect("it is there").sent);
            for (to, body) in sent {
                if self.silent.contains(&from) || self.silent.contains(&to) {
                    continue;
                }
                match self.nodes.get_mut(&to) {
                    Some(harness) => harness.frame(from, body),
                    None => self.nodes.get_mut(&from).expect("it is there").sent.push((to, body)),
                }
            }
        }
    }

    fn run_ms(&mut self, ms: u64) {
        (0..ms / TICK_MS).for_each(|_| self.tick());
    }

    fn online(&mut self, player: u64) {
        self.online.insert(player);
        self.lobby().online(player, player);
    }

    fn offline(&mut self, player: u64) {
        self.online.remove(&player);
        self.lobby().offline(player, player);
    }

    /// A node is no more, and all others know that. Gateways tell the lobby who is online.
    fn gone(&mut self, address: Address) {
        let event = DirectoryEvent::Gone(address.node);
        self.known.apply(&event);
        self.nodes.remove(&address);
        for harness in self.nodes.values_mut() {
            harness.input(Input::Directory(event.clone()));
        }
        self.tick();
    }

    fn announce_all(&mut self) {
        for player in self.online.clone() {
            self.lobby().online(player, player);
        }
    }

    /// Asks for the roster. Anybody may: whoever asks need not be known to the node.
    fn ask(&mut self) -> RequestId {
        let guild = self.guild;
        self.home().ask(99, SocialRequest::ReadRoster { guild })
    }

    /// The members' presence as a reader is told, and how long it took, in ms.
    fn read(&mut self) -> (Vec<(u64, Presence)>, u64) {
        let id = self.ask();
        for waited in 0..100 {
            if let Some(reply) = self.home().reply_to(id) {
                let Ok(Reply::Roster(view)) = reply else { panic!("no roster: {reply:?}") };
                let lines = view.members.iter().map(|line| (line.player.0, line.presence));
                return (lines.collect(), waited * TICK_MS);
            }
            self.tick();
        }
        panic!("not answered within a second")
    }

    fn roster(&mut self) -> Vec<(u64, Presence)> {
        self.read().0
    }
}

#[test]
fn a_member_who_comes_and_goes_at_the_lobby_is_shown_so_at_the_guilds_home() {
    let mut cluster = Cluster::new(&[1, 2]);
    cluster.online(1);
    let (members, waited_ms) = cluster.read();
    assert_eq!(members, [(1, Online), (2, Offline)], "one was never there");
    assert!(waited_ms < PRESENCE_MS_MAX, "the lobby answers at once: {waited_ms} ms");
    cluster.offline(1);
    cluster.online(2);
    cluster.run_ms(30);
    let (members, waited_ms) = cluster.read();
    assert_eq!(members, [(1, Offline), (2, Online)]);
    assert_eq!(waited_ms, 0, "what is followed need not be waited for");
    assert_eq!(cluster.home().value("members_followed"), 2);
    assert_eq!(cluster.lobby().value("presence_subscriptions"), 2);
}

#[test]
fn the_lobby_itself_may_look_after_the_guild() {
    let mut harness = Harness::new();
    let guild = super::guilds::owls();
    harness.run_ms(SETTLE_MS + 1_000);
    harness.mail(1, guild, &found(1, "Owls"));
    harness.online(1, 1);
    let id = harness.ask(1, SocialRequest::ReadRoster { guild });
    harness.run_ms(50);
    let Some(Ok(Reply::Roster(view))) = harness.reply_to(id) else { panic!("not answered") };
    let line = &view.members[0];
    assert_eq!((line.player, line.name.as_str(), line.presence), (PlayerId(1), "player 1", Online));
    assert_eq!((view.guild, view.name.as_str(), view.leader), (guild, "Owls", PlayerId(1)));
}

#[test]
fn who_fights_is_shown_as_fighting_until_the_battle_is_over_or_the_connection_is() {
    let mut cluster = Cluster::new(&[1]);
    cluster.online(1);
    let (_, ticket) = cluster.lobby().queue(1);
    assert_eq!(cluster.roster(), [(1, Online)], "who waits in a queue does not fight yet");
    let matched = FromMatchmaker::Matched { ticket, battle: BattleId(9), battleapp: BATTLEAPP };
    cluster.lobby().matchmaker(matched);
    cluster.run_ms(30);
    assert_eq!(cluster.roster(), [(1, Fighting)]);
    cluster.offline(1);
    cluster.run_ms(30);
    assert_eq!(cluster.roster(), [(1, Offline)], "nobody could be reached in that battle");
    cluster.online(1);
    cluster.run_ms(30);
    assert_eq!(cluster.roster(), [(1, Fighting)]);
    cluster.lobby().matchmaker(FromMatchmaker::Closed { ticket, refused: None });
    cluster.run_ms(30);
    assert_eq!(cluster.roster(), [(1, Online)]);
}

#[test]
fn after_the_lobby_has_died_the_next_one_tells_the_truth_and_nothing_is_made_up_before() {
    let mut cluster = Cluster::new(&[1, 2]);
    cluster.online(1);
    cluster.online(2);
    assert_eq!(cluster.roster(), [(1, Online), (2, Online)]);
    let died = cluster.lobby().me();
    cluster.offline(2);
    cluster.gone(died);
    let (members, waited_ms) = cluster.read();
    assert_eq!(members, [(1, Unknown), (2, Unknown)], "no gateway has told anything yet");
    assert!(waited_ms <= PRESENCE_MS_MAX, "{waited_ms} ms");
    cluster.announce_all();
    cluster.run_ms(30);
    assert_eq!(cluster.roster(), [(1, Online), (2, Unknown)], "others may still be announced");
    cluster.run_ms(SETTLE_MS);
    assert_eq!(cluster.roster(), [(1, Online), (2, Offline)]);
    let told = cluster.lobby().value("presence_subscriptions");
    assert_eq!(told, 2, "each member is followed once");
}

#[test]
fn a_silent_lobby_costs_a_reader_a_moment_once_and_presence_is_unknown() {
    let mut cluster = Cluster::new(&[1, 2]);
    cluster.online(1);
    let lobby = cluster.lobby().me();
    cluster.silent.insert(lobby);
    let (members, waited_ms) = cluster.read();
    assert_eq!(members, [(1, Unknown), (2, Unknown)]);
    assert_eq!(waited_ms, PRESENCE_MS_MAX, "after the first tick");
    let (members, waited_ms) = cluster.read();
    assert_eq!((members[0].1, waited_ms), (Unknown, 0), "nobody else waits for what does not come");
    cluster.run_ms(10_000);
    assert_eq!(cluster.read(), (vec![(1, Unknown), (2, Unknown)], 0));
    cluster.silent.clear();
    cluster.run_ms(2_000);
    assert_eq!(cluster.roster(), [(1, Online), (2, Offline)], "it was asked again");
}

#[test]
fn what_a_lobby_said_before_it_fell_silent_does_not_count_for_ever() {
    let mut cluster = Cluster::new(&[1]);
    cluster.online(1);
    assert_eq!(cluster.roster(), [(1, Online)]);
    let lobby = cluster.lobby().me();
    cluster.silent.insert(lobby);
    cluster.offline(1);
    cluster.run_ms(16_000);
    assert_eq!(cluster.roster(), [(1, Unknown)]);
}

#[test]
fn a_lobby_that_drains_tells_nobody_any_more() {
    let mut cluster = Cluster::new(&[1]);
    cluster.online(1);
    assert_eq!(cluster.roster(), [(1, Online)]);
    cluster.lobby().input(Input::Drain);
    cluster.run_ms(50);
    assert_eq!(cluster.lobby().value("presence_subscriptions"), 0);
    assert!(cluster.lobby().social.status().drained);
    assert_eq!(cluster.roster(), [(1, Unknown)], "until another node is the lobby");
    cluster.run_ms(3_000);
    assert_eq!(cluster.lobby().value("presence_subscriptions"), 0);
    let drained = cluster.lobby().me();
    cluster.gone(drained);
    cluster.announce_all();
    cluster.run_ms(50);
    assert_eq!(cluster.roster(), [(1, Online)]);
}

#[test]
fn a_node_that_is_not_the_lobby_any_more_ends_what_it_told() {
    let mut harness = Harness::new();
    let guild = super::guilds::owls();
    harness.mail(1, guild, &found(1, "Owls"));
    harness.online(1, 1);
    harness.ask(1, SocialRequest::ReadRoster { guild });
    harness.run_ms(50);
    assert_eq!(harness.value("presence_subscriptions"), 1);
    // One of many has another lobby.
    for node in 20..30 {
        harness.ready(NodeId { node, incarnation: 1 }, Role::Social);
    }
    harness.run_ms(50);
    assert_eq!(harness.value("presence_subscriptions"), 0);
    assert_eq!(harness.social.presence_of(PlayerId(1)), None);
    let asks = |(_, body): &(Address, Body)| matches!(body, Body::ToPublisher(_));
    assert!(harness.sent.iter().any(asks), "it asks the new one");
}

#[test]
fn who_joins_is_followed_and_who_leaves_is_not() {
    let mut cluster = Cluster::new(&[1, 2]);
    cluster.online(3);
    assert_eq!(cluster.roster(), [(1, Offline), (2, Offline)]);
    let guild = cluster.guild;
    cluster.home().mail(3, guild, &join(3));
    cluster.run_ms(50);
    assert_eq!(cluster.read(), (vec![(1, Offline), (2, Offline), (3, Online)], 0));
    cluster.home().mail(2, guild, &leave(2));
    cluster.run_ms(50);
    assert_eq!(cluster.roster(), [(1, Offline), (3, Online)]);
    assert_eq!(cluster.home().value("members_followed"), 2);
    assert_eq!(cluster.lobby().value("presence_subscriptions"), 2, "nobody asks for the other");
}

#[test]
fn a_roster_that_nobody_reads_is_not_followed() {
    let mut cluster = Cluster::new(&[1, 2]);
    let guild = cluster.guild;
    cluster.home().ask(99, SocialRequest::ReadGuild { guild });
    cluster.run_ms(50);
    assert_eq!(cluster.home().value("members_followed"), 0, "members alone need no presence");
    cluster.roster();
    cluster.run_ms(UNREAD_MS / 2);
    // The guild stays open, but not because of its roster.
    cluster.home().mail(3, guild, &join(3));
    cluster.run_ms(UNREAD_MS / 2 + 2_000);
    assert_eq!(cluster.home().value("guilds_open"), 1);
    assert_eq!(cluster.home().value("members_followed"), 0);
    assert_eq!(cluster.lobby().value("presence_subscriptions"), 0);
    cluster.roster();
    assert_eq!(cluster.home().value("members_followed"), 3);
    cluster.run_ms(UNREAD_MS + 3_000);
    assert_eq!(cluster.home().value("guilds_open"), 0);
    assert_eq!(cluster.home().value("members_followed"), 0);
}

#[test]
fn of_a_guild_that_is_not_there_nobody_is_followed() {
    let mut cluster = Cluster::new(&[1]);
    let guild = cluster.guild;
    cluster.home().mail(1, guild, &leave(1));
    let id = cluster.ask();
    cluster.run_ms(50);
    let refused = cluster.home().reply_to(id).expect("answered").expect_err("all have left it");
    assert_eq!(refused.code, RefusalCode::NotFound);
    assert_eq!(cluster.home().value("members_followed"), 0);
}

#[test]
fn nobody_sees_a_member_in_a_roster_who_is_not_durable_yet() {
    let mut cluster = Cluster::new(&[1]);
    let guild = cluster.guild;
    cluster.online(2);
    cluster.home().commits_wait = true;
    cluster.home().mail(2, guild, &join(2));
    let id = cluster.ask();
    cluster.run_ms(PRESENCE_MS_MAX + 100);
    assert_eq!(cluster.home().reply_to(id), None);
    cluster.home().commits_wait = false;
    cluster.run_ms(50);
    let Some(Ok(Reply::Roster(view))) = cluster.home().reply_to(id) else { panic!("no roster") };
    let lines: Vec<_> = view.members.iter().map(|line| (line.player.0, line.presence)).collect();
    assert_eq!(lines, [(1, Offline), (2, Online)]);
}

#[test]
fn readers_who_wait_are_refused_when_the_guild_is_given_back() {
    let mut cluster = Cluster::new(&[1]);
    let lobby = cluster.lobby().me();
    cluster.silent.insert(lobby);
    let id = cluster.ask();
    cluster.run_ms(PRESENCE_MS_MAX / 2);
    assert_eq!(cluster.home().reply_to(id), None);
    cluster.home().input(Input::Drain);
    cluster.run_ms(50);
    let refused = cluster.home().reply_to(id).expect("answered").expect_err("it was given back");
    assert_eq!(refused.code, RefusalCode::Unavailable);
    assert_eq!(cluster.home().value("members_followed"), 0);
    assert!(cluster.home().social.status().drained);
}
