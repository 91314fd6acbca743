//! Tests of the mind by scripts: what it hears, and what it then does.

use shared::ids::{GuildId, LetterId, PlayerId};
use shared::msg::client::{
    Attachments, BattleStart, Event, FighterLine, GuildView, Letter, Outcome, Presence, Profile,
    RosterLine, RosterView, Sender, SocialRequest, Stack, TeamView,
};
use shared::msg::snapshot::FighterView;

use super::sample::{MEAT, PURSE, SWORD};
use super::*;

const SEED: u64 = 11;
const PACE_MS: u64 = 100;

/// A bot, its clock, and what it did last.
struct Scene {
    brain: Brain,
    now_ms: u64,
    out: Vec<Action>,
    /// What the servers would have stored.
    gold: u64,
    bag: Vec<Stack>,
    inbox: Vec<Letter>,
    guild: Option<GuildId>,
}

impl Scene {
    fn new(index: u32) -> Self {
        let plan = Plan::new(20, PACE_MS, sample::content(), 1);
        let stack = |item, count| Stack { item, count };
        Self {
            brain: Brain::new(SEED, index, plan),
            now_ms: 1_000,
            out: Vec::new(),
            gold: 500,
            bag: vec![stack(SWORD, 1), stack(PURSE, 3), stack(MEAT, 5)],
            inbox: Vec::new(),
            guild: None,
        }
    }

    fn welcome(&mut self) {
        let welcome = Welcome { player: player(SEED, self.brain.index), battle_hz: 20 };
        self.out.clear();
        self.brain.on_welcome(self.now_ms, &welcome, &mut self.out);
    }

    fn hear(&mut self, event: Event) {
        self.out.clear();
        self.brain.on_event(self.now_ms, event, &mut self.out);
    }

    fn reply(&mut self, id: RequestId, result: Result<Reply, Refusal>) {
        self.out.clear();
        self.brain.on_reply(self.now_ms, id, result, &mut self.out);
    }

    /// Lets time pass until the bot asks for something.
    fn asked(&mut self) -> (RequestId, Request) {
        for _ in 0..1_000 {
            let request = self.out.iter().find_map(|action| match action {
                Action::Request { id, request } => Some((*id, request.clone())),
                Action::Commands(_) | Action::Wait { .. } | Action::Note(_) => None,
            });
            if let Some(request) = request {
                return request;
            }
            self.pass();
        }
        panic!("the bot asked for nothing in a thousand steps");
    }

    fn pass(&mut self) {
        let wait = self.out.iter().find_map(|action| match action {
            Action::Wait { ms } => Some(*ms),
            Action::Request { .. } | Action::Commands(_) | Action::Note(_) => None,
        });
        self.now_ms += wait.expect("a bot always says when to wake it");
        self.out.clear();
        self.brain.on_timer(self.now_ms, &mut self.out);
    }

    fn profile(&self) -> Profile {
        Profile {
            player: player(SEED, self.brain.index),
            name: account(SEED, self.brain.index),
            level: 1,
            xp: 0,
            gold: self.gold,
            rating: 1500,
            wins: 0,
            losses: 0,
            draws: 0,
            hero: 1,
            guild: self.guild,
        }
    }

    /// What a healthy cluster answers to reads; everything else is refused as expected or done.
    fn answer(&self, request: &Request) -> Result<Reply, Refusal> {
        let refuse = |code| Err(Refusal::new(code, "scripted"));
        match request {
            Request::Ping => Ok(Reply::Pong),
            Request::Player(PlayerRequest::ReadProfile) => Ok(Reply::Profile(self.profile())),
            Request::Player(PlayerRequest::ReadBag) => Ok(Reply::Bag(self.bag.clone())),
            Request::Player(PlayerRequest::ReadPets) => Ok(Reply::Pets(Vec::new())),
            Request::Player(PlayerRequest::ReadEquipment) => Ok(Reply::Equipment([None; 3])),
            Request::Player(PlayerRequest::ReadInbox) => Ok(Reply::Inbox(self.inbox.clone())),
            Request::Player(_) => refuse(RefusalCode::BagFull),
            Request::Social(SocialRequest::ReadGuild { guild }) => {
                Ok(Reply::Guild(members(*guild, vec![player(SEED, self.brain.index)])))
            }
            Request::Social(SocialRequest::ReadRoster { guild }) => {
                Ok(Reply::Roster(roster(*guild, vec![player(SEED, self.brain.index)])))
            }
            Request::Social(SocialRequest::ListGuilds) => Ok(Reply::Guilds(Vec::new())),
            Request::Social(SocialRequest::CreateTeam) => {
                let leader = player(SEED, self.brain.index);
                let members = vec![leader];
                Ok(Reply::Team(TeamView { team: shared::ids::TeamId(1), leader, members }))
            }
            Request::Social(_) | Request::StopWatching => Ok(Reply::Done),
        }
    }

    /// Answers whatever comes until `wanted` is asked for.
    fn until(&mut self, wanted: impl Fn(&Request) -> bool) -> (RequestId, Request) {
        for _ in 0..500 {
            let (id, request) = self.asked();
            if wanted(&request) {
                return (id, request);
            }
            let answer = self.answer(&request);
            self.reply(id, answer);
        }
        panic!("it was never asked for");
    }

    fn faults(&self) -> Vec<String> {
        let fault = |action: &Action| match action {
            Action::Note(Note::Fault(fault)) => Some(fault.cause()),
            Action::Note(_)
            | Action::Request { .. }
            | Action::Commands(_)
            | Action::Wait { .. } => None,
        };
        self.out.iter().filter_map(fault).collect()
    }

    fn notes(&self, note: &Note) -> usize {
        self.out.iter().filter(|action| **action == Action::Note(note.clone())).count()
    }
}

fn members(guild: GuildId, members: Vec<PlayerId>) -> GuildView {
    let RosterView { guild, name, leader, members } = roster(guild, members);
    let members = members.into_iter().map(|line| (line.player, line.name)).collect();
    GuildView { guild, name, leader, members }
}

fn roster(guild: GuildId, members: Vec<PlayerId>) -> RosterView {
    let name = || String::from("Owls");
    let line = |player| RosterLine { player, name: name(), presence: Presence::Online };
    let members = members.into_iter().map(line).collect();
    RosterView { guild, name: name(), leader: PlayerId(1), members }
}

fn gift(id: u64, from: PlayerId) -> Letter {
    Letter {
        letter: LetterId(id),
        from: Sender::Player { player: from, name: String::from("friend") },
        attached: Attachments { gold: 7, stacks: Vec::new() },
    }
}

fn is_claim(request: &Request) -> bool {
    matches!(request, Request::Player(PlayerRequest::ClaimLetter { .. }))
}

#[test]
fn a_session_begins_with_reading_everything() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let mut kinds = Vec::new();
    for _ in 0..5 {
        let (id, request) = scene.asked();
        kinds.push(kind(&request));
        let answer = scene.answer(&request);
        scene.reply(id, answer);
        assert_eq!(scene.faults(), Vec::<String>::new());
    }
    let expected = ["read_profile", "read_bag", "read_equipment", "read_pets", "read_inbox"];
    assert_eq!(kinds, expected);
}

#[test]
fn the_same_hearing_gives_the_same_traffic_and_another_seed_another_one() {
    let traffic = |index| {
        let mut scene = Scene::new(index);
        scene.welcome();
        let mut requests = Vec::new();
        for _ in 0..100 {
            let (id, request) = scene.asked();
            let answer = scene.answer(&request);
            requests.push((scene.now_ms, id, request));
            scene.reply(id, answer);
        }
        requests
    };
    assert_eq!(traffic(3), traffic(3));
    assert_ne!(traffic(3), traffic(4));
}

#[test]
fn a_letter_that_came_is_claimed_and_counted_and_enters_the_book() {
    let mut scene = Scene::new(3);
    scene.welcome();
    scene.until(|request| matches!(request, Request::Social(_)));
    scene.brain.on_event(scene.now_ms, Event::LetterCame(gift(5, PlayerId(9))), &mut scene.out);
    let (id, _) = scene.until(is_claim);
    scene.reply(id, Ok(Reply::Done));
    assert_eq!(scene.notes(&Note::GiftClaimed), 1);
    assert_eq!(scene.brain.book().gold, Some(507));
    let (id, _) = scene.until(|r| matches!(r, Request::Player(PlayerRequest::ReadProfile)));
    let stale = scene.profile();
    scene.reply(id, Ok(Reply::Profile(stale)));
    assert_eq!(scene.faults(), ["read_profile: contradiction"], "7 gold are missing");
}

#[test]
fn a_request_without_an_answer_is_asked_again_with_its_id_also_after_a_reconnect() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let (id, request) = scene.asked();
    scene.out.retain(|action| matches!(action, Action::Wait { .. }));
    assert_eq!(scene.asked(), (id, request.clone()), "no answer in time");
    scene.brain.on_disconnect();
    assert_eq!(scene.brain.in_doubt(), Some(&request));
    scene.now_ms += 70_000;
    scene.welcome();
    assert_eq!(scene.asked(), (id, request), "a new session");
}

#[test]
fn a_refusal_that_passes_is_tried_again_and_the_latency_counts_from_the_slot() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let (id, request) = scene.asked();
    let due_ms = scene.now_ms;
    let busy = Err(Refusal::new(RefusalCode::Unavailable, "scripted"));
    scene.reply(id, busy);
    assert_eq!(scene.faults(), Vec::<String>::new());
    assert_eq!(scene.asked(), (id, request.clone()));
    assert!(scene.now_ms >= due_ms + TRY_AGAIN_MS);
    let answer = scene.answer(&request);
    scene.reply(id, answer);
    assert_eq!(scene.notes(&Note::Answered { kind: "read_profile", due_ms }), 1);
    // The slots that passed meanwhile are made up for, each from its own moment.
    let (id, request) = scene.asked();
    let answer = scene.answer(&request);
    scene.reply(id, answer);
    assert_eq!(scene.notes(&Note::Answered { kind: "read_bag", due_ms: due_ms + PACE_MS }), 1);
}

#[test]
fn a_refusal_that_no_player_can_earn_is_a_fault() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let (id, _) = scene.asked();
    scene.reply(id, Err(Refusal::new(RefusalCode::Malformed, "scripted")));
    assert_eq!(scene.faults(), ["read_profile: Malformed"]);
    let (id, _) = scene.asked();
    scene.reply(id, Ok(Reply::Pong));
    assert_eq!(scene.faults(), ["read_bag: wrong reply"]);
}

#[test]
fn a_second_answer_to_the_same_request_is_ignored() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let (id, request) = scene.asked();
    let answer = scene.answer(&request);
    scene.reply(id, answer.clone());
    scene.reply(id, answer);
    assert_eq!(scene.faults(), Vec::<String>::new());
}

#[test]
fn a_battle_is_fought_at_20_hz_and_its_end_is_counted() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let line = |slot, side| FighterLine { slot, side, hero: 1, name: String::from("bot") };
    let battle = BattleId(77);
    scene.hear(Event::BattleStarted(BattleStart {
        battle,
        slot: 0,
        fighters: vec![line(0, 0), line(1, 1)],
        map: Box::default(),
        ticks_max: 1_200,
    }));
    let mut snapshot = Snapshot { tick: 1, ..Snapshot::default() };
    for (slot, x_mm) in [(0, 0), (1, 5_000)] {
        snapshot.put(&FighterView { slot, x_mm, hp_permille: 1_000, ..FighterView::default() });
    }
    scene.brain.on_snapshot(scene.now_ms, &snapshot, &mut scene.out);
    let began_ms = scene.now_ms;
    let mut datagrams = 0;
    while scene.now_ms < began_ms + 1_000 {
        datagrams += scene.out.iter().filter(|a| matches!(a, Action::Commands(_))).count();
        scene.pass();
    }
    assert!((18..=21).contains(&datagrams), "{datagrams} datagrams in a second");
    scene.hear(Event::BattleEnded {
        battle,
        outcome: Outcome::Won,
        score: [1, 0],
        fighters: Vec::new(),
    });
    assert_eq!(scene.notes(&Note::BattleEnded(battle)), 1);
    assert!(!scene.brain.is_fighting());
    assert_eq!(scene.brain.book().battles, 1);
}

#[test]
fn a_battle_that_falls_silent_is_a_fault_and_the_bot_goes_on() {
    let mut scene = Scene::new(3);
    scene.welcome();
    let start = BattleStart {
        battle: BattleId(77),
        slot: 0,
        fighters: Vec::new(),
        map: Box::default(),
        ticks_max: 1,
    };
    scene.hear(Event::BattleStarted(start));
    scene.now_ms += 60_000;
    scene.out.clear();
    scene.brain.on_timer(scene.now_ms, &mut scene.out);
    assert_eq!(scene.faults(), ["battle: silent"]);
    assert!(!scene.brain.is_fighting());
}

#[test]
fn a_roster_without_its_member_is_a_fault() {
    let guild = GuildId(4);
    let without = [
        ("read_guild", Reply::Guild(members(guild, Vec::new()))),
        ("read_roster", Reply::Roster(roster(guild, Vec::new()))),
    ];
    for (kind, reply) in without {
        let mut scene = Scene::new(3);
        scene.guild = Some(guild);
        scene.welcome();
        let (id, _) = scene.until(|request| refusals::kind(request) == kind);
        scene.reply(id, Ok(reply));
        assert_eq!(scene.faults(), [format!("{kind}: contradiction")]);
    }
}
