//! One sample of every message.

use shared::content::{Block, CapturePoint, Cover, Map, Pillar, Spot, Strength};
use shared::ids::{
    Address, BattleId, Epoch, GuildId, Key, LetterId, LoginOrder, NodeId, PlayerId, RequestId,
    Role, SessionId, SessionRef, TeamId, TicketId,
};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleInput, BattleOutput, Encoded};
use shared::msg::client::{
    Act, Attachments, BattleLine, BattleStart, ClientDatagram, ClientFrame, Command, Event,
    FighterLine, FighterResult, GuildLine, GuildView, Letter, Login, Outcome, Pet, PlayerRequest,
    Presence, Profile, Reply, Request, RosterLine, RosterView, Sender, ServerFrame, Slot,
    SocialRequest, Stack, TeamView, Welcome,
};
use shared::msg::gateway_baseapp::{FromBaseapp, ToBaseapp};
use shared::msg::gateway_social::{FromSocial, ToSocial};
use shared::msg::head::{Head, Trace};
use shared::msg::mail::Mail;
use shared::msg::matchmaker_baseapp::{Card, CardRequest, PetCard, PlayerCard};
use shared::msg::matchmaker_battle::{BotSeat, FromBattle, Seat, Stakes, ToBattle};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::msg::replication::{
    Component, ComponentId, EndReason, Replicated, Stamp, SubscriptionId, ToPublisher, ToSubscriber,
};
use shared::msg::social_battle::Rejoin;
use shared::msg::social_matchmaker::{FromMatchmaker, PartyMember, ToMatchmaker};
use shared::wire;

/// A message of any conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sample {
    Client(ClientFrame),
    Server(ServerFrame),
    Datagram(ClientDatagram),
    Body(Body),
    Mail(Mail),
}

impl Sample {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Client(message) => wire::encode(message),
            Self::Server(message) => wire::encode(message),
            Self::Datagram(message) => wire::encode(message),
            Self::Body(message) => wire::encode(message),
            Self::Mail(message) => wire::encode(message),
        }
    }
}

const PLAYER: PlayerId = PlayerId(0x1122_3344_5566_7788);
const OTHER: PlayerId = PlayerId(2);
const GUILD: GuildId = GuildId(3);
const TEAM: TeamId = TeamId(4);
const BATTLE: BattleId = BattleId(5);
const TICKET: TicketId = TicketId(6);
const SESSION: SessionId = SessionId(7);
const REQUEST: RequestId = RequestId(8);
const NODE: NodeId = NodeId { node: 9, incarnation: 10 };
const HEAD: Head = Head {
    sent_ms: 1_000,
    budget_ms: 10_000,
    trace: Some(Trace { id: (1, 2), span: 3, flags: 1 }),
};
const ORDER: LoginOrder = LoginOrder { epoch: Epoch(3), login: 9 };
const SESSION_REF: SessionRef = SessionRef { gateway: NODE, session: SESSION };

fn address(role: Role) -> Address {
    Address { node: NODE, role }
}

fn text(text: &str) -> String {
    String::from(text)
}

fn refusal() -> Refusal {
    Refusal::new(RefusalCode::Busy, "later")
}

fn attached() -> Attachments {
    Attachments { gold: 300, stacks: vec![Stack { item: 21, count: 2 }] }
}

fn letter() -> Letter {
    let from = Sender::Player { player: OTHER, name: text("bert") };
    Letter { letter: LetterId(11), from, attached: attached() }
}

fn team() -> TeamView {
    TeamView { team: TEAM, leader: PLAYER, members: vec![PLAYER, OTHER] }
}

fn map() -> Map {
    let block = Block { x_mm: -6_000, y_mm: 4_200, half_width_mm: 2_600, half_height_mm: 250 };
    let spot = |x_mm| Spot { x_mm, y_mm: 0 };
    Map {
        name: text("Yard"),
        half_width_mm: 12_000,
        half_height_mm: 8_000,
        walls: vec![block],
        pillars: vec![Pillar { x_mm: 0, y_mm: 0, radius_mm: 900 }],
        cover: vec![Cover { block, walking: true, sight: false, projectiles: true }],
        entries: [vec![spot(-11_000)], vec![spot(11_000)]],
        points: vec![CapturePoint { x_mm: 0, y_mm: 2_800, radius_mm: 1_600 }],
    }
}

fn start() -> BattleStart {
    let fighters = vec![FighterLine { slot: 0, side: 1, hero: 2, name: text("anna") }];
    BattleStart { battle: BATTLE, slot: 0, fighters, map: map().into(), ticks_max: 1200 }
}

fn datagram() -> ClientDatagram {
    let area =
        Command { sequence: 2, walk: (-127, 0), act: Act::Skill { skill: 3, aim_mm: (300, -4) } };
    let still = Command { sequence: 1, walk: (0, 127), act: Act::None };
    ClientDatagram { battle: BATTLE, seen_tick: 99, commands: vec![still, area] }
}

fn card() -> PlayerCard {
    PlayerCard {
        name: text("anna"),
        level: 2,
        rating: 1500,
        hero: 1,
        bonus_hp: 40,
        bonus_damage: -1,
        bonus_armour: 5,
        haste_permille: 100,
        pet: Some(PetCard { species: 3, level: 12 }),
    }
}

fn battle_ended() -> Event {
    let fighters = vec![FighterResult {
        slot: 300,
        kills: 2,
        deaths: 1,
        assists: 3,
        damage: 700,
        healing: 40,
        capture_s: 9,
    }];
    Event::BattleEnded { battle: BATTLE, outcome: Outcome::Drawn, score: [40, 41], fighters }
}

/// Every message with its name in the frozen file.
pub(crate) fn samples() -> Vec<(&'static str, Sample)> {
    let mut all = Vec::new();
    all.extend(clients());
    all.extend(replies());
    all.extend(events());
    all.extend(bodies().into_iter().map(|(name, body)| (name, Sample::Body(body))));
    all.extend(mails().into_iter().map(|(name, mail)| (name, Sample::Mail(mail))));
    all
}

fn clients() -> Vec<(&'static str, Sample)> {
    let player = [
        ("read_profile", PlayerRequest::ReadProfile),
        ("read_bag", PlayerRequest::ReadBag),
        ("read_pets", PlayerRequest::ReadPets),
        ("read_equipment", PlayerRequest::ReadEquipment),
        ("read_inbox", PlayerRequest::ReadInbox),
        ("equip", PlayerRequest::Equip { item: 1 }),
        ("unequip", PlayerRequest::Unequip { slot: Slot::Trinket }),
        ("use_item", PlayerRequest::UseItem { item: 300 }),
        ("feed_pet", PlayerRequest::FeedPet { pet: 0, item: 40 }),
        ("choose_hero", PlayerRequest::ChooseHero { hero: 2 }),
        ("send_gift", PlayerRequest::SendGift { to: OTHER, gift: attached() }),
        ("claim_letter", PlayerRequest::ClaimLetter { letter: LetterId(11) }),
        ("found_guild", PlayerRequest::FoundGuild { name: text("Owls") }),
        ("join_guild", PlayerRequest::JoinGuild { guild: GUILD }),
        ("leave_guild", PlayerRequest::LeaveGuild),
        ("read_battles", PlayerRequest::ReadBattles),
    ];
    let social = [
        ("read_guild", SocialRequest::ReadGuild { guild: GUILD }),
        ("list_guilds", SocialRequest::ListGuilds),
        ("create_team", SocialRequest::CreateTeam),
        ("invite_to_team", SocialRequest::InviteToTeam { player: OTHER }),
        ("join_team", SocialRequest::JoinTeam { team: TEAM }),
        ("leave_team", SocialRequest::LeaveTeam),
        ("queue", SocialRequest::Queue { queue: text("arena") }),
        ("leave_queue", SocialRequest::LeaveQueue),
        ("watch", SocialRequest::Watch { player: OTHER }),
        ("read_roster", SocialRequest::ReadRoster { guild: GUILD }),
    ];
    let request = |request| Sample::Client(ClientFrame::Request { id: REQUEST, request });
    let login = Login { protocol: 1, account: text("anna"), secret: [7; 32] };
    let mut all = vec![
        ("login", Sample::Client(ClientFrame::Login(login))),
        ("ping", request(Request::Ping)),
        ("stop_watching", request(Request::StopWatching)),
        ("datagram", Sample::Datagram(datagram())),
    ];
    all.extend(player.map(|(name, asked)| (name, request(Request::Player(asked)))));
    all.extend(social.map(|(name, asked)| (name, request(Request::Social(asked)))));
    all
}

fn replies() -> Vec<(&'static str, Sample)> {
    let profile = Profile {
        player: PLAYER,
        name: text("anna"),
        level: 3,
        xp: 250,
        gold: 70_000,
        rating: 1512,
        wins: 2,
        losses: 1,
        draws: 0,
        hero: 1,
        guild: Some(GUILD),
    };
    let members = vec![(PLAYER, text("anna"))];
    let guild = GuildView { guild: GUILD, name: text("Owls"), leader: PLAYER, members };
    let all = [Presence::Offline, Presence::Online, Presence::Fighting, Presence::Unknown];
    let line = |presence| RosterLine { player: PLAYER, name: text("anna"), presence };
    let members = all.map(line).to_vec();
    let roster = RosterView { guild: GUILD, name: text("Owls"), leader: PLAYER, members };
    let listed = GuildLine { guild: GUILD, name: text("Owls"), members: 1 };
    let fought =
        BattleLine { battle: BattleId(7), outcome: Outcome::Won, rating_change: 16, xp: 90 };
    let all = [
        ("reply_done", Ok(Reply::Done)),
        ("reply_pong", Ok(Reply::Pong)),
        ("reply_profile", Ok(Reply::Profile(profile))),
        ("reply_bag", Ok(Reply::Bag(vec![Stack { item: 1, count: 9 }]))),
        ("reply_pets", Ok(Reply::Pets(vec![Pet { species: 1, level: 2, xp: 3 }]))),
        ("reply_equipment", Ok(Reply::Equipment([Some(1), None, Some(300)]))),
        ("reply_inbox", Ok(Reply::Inbox(vec![letter()]))),
        ("reply_guild", Ok(Reply::Guild(guild))),
        ("reply_guilds", Ok(Reply::Guilds(vec![listed]))),
        ("reply_team", Ok(Reply::Team(team()))),
        ("reply_battles", Ok(Reply::Battles(vec![fought]))),
        ("reply_roster", Ok(Reply::Roster(roster))),
        ("reply_refused", Err(refusal())),
    ];
    let reply = |result| Sample::Server(ServerFrame::Reply { id: REQUEST, result });
    all.into_iter().map(|(name, result)| (name, reply(result))).collect()
}

fn events() -> Vec<(&'static str, Sample)> {
    let welcome = Welcome { player: PLAYER, battle_hz: 20 };
    let all = [
        ("event_letter_came", Event::LetterCame(letter())),
        ("event_guild_changed", Event::GuildChanged { guild: Some(GUILD), refused: None }),
        ("event_team_invitation", Event::TeamInvitation { team: TEAM, by: OTHER }),
        ("event_team_changed", Event::TeamChanged(Some(team()))),
        ("event_queued", Event::Queued),
        ("event_queue_left", Event::QueueLeft { refused: Some(refusal()) }),
        ("event_battle_started", Event::BattleStarted(start())),
        ("event_battle_paused", Event::BattlePaused { battle: BATTLE, ms: 10_000 }),
        ("event_battle_resumed", Event::BattleResumed { battle: BATTLE }),
        ("event_watch_started", Event::WatchStarted(start())),
        ("event_watch_ended", Event::WatchEnded { battle: BATTLE, refused: Some(refusal()) }),
        ("event_battle_ended", battle_ended()),
    ];
    let mut samples: Vec<_> =
        all.into_iter().map(|(n, event)| (n, Sample::Server(ServerFrame::Event(event)))).collect();
    samples.push(("welcome", Sample::Server(ServerFrame::Welcome(welcome))));
    samples.push(("goodbye", Sample::Server(ServerFrame::Goodbye(refusal()))));
    samples.push(("snapshot_by_stream", Sample::Server(ServerFrame::Snapshot(vec![2, 1, 9]))));
    samples
}

fn bodies() -> Vec<(&'static str, Body)> {
    let rejoin =
        Rejoin { battle: BATTLE, player: PLAYER, session: SESSION_REF, as_spectator: true };
    let mut all = vec![
        ("mail_waiting", Body::MailWaiting(Key::Guild(GUILD))),
        ("card_request", Body::CardRequest(CardRequest { ticket: TICKET, player: PLAYER })),
        ("card", Body::Card(Card { ticket: TICKET, player: PLAYER, card: Some(card()) })),
        ("rejoin", Body::Rejoin(rejoin)),
    ];
    all.extend(player_bodies());
    all.extend(social_bodies());
    all.extend(battle_bodies());
    all.extend(replication_bodies());
    all
}

fn replication_bodies() -> Vec<(&'static str, Body)> {
    let (subscription, key) = (SubscriptionId(300), Key::Player(PLAYER));
    let stamp = Stamp { epoch: Epoch(12), version: 13 };
    let components = vec![Component { id: ComponentId(1), schema: 1, bytes: vec![7, 8] }];
    let (whole, presence) = (components.clone(), vec![Presence::Fighting.to_component()]);
    let wanted = vec![ComponentId(1), ComponentId(400)];
    let have = Some(stamp);
    let to = [
        ("subscribe", ToPublisher::Subscribe { subscription, key, components: wanted }),
        ("unsubscribe", ToPublisher::Unsubscribe { subscription }),
        ("resnapshot", ToPublisher::Resnapshot { subscription, have }),
    ];
    let ended = |reason| ToSubscriber::Ended { subscription, reason };
    let from = [
        ("replica_snapshot", ToSubscriber::Snapshot { subscription, stamp, components: whole }),
        ("replica_changes", ToSubscriber::Changes { subscription, stamp, components }),
        ("replica_presence", ToSubscriber::Changes { subscription, stamp, components: presence }),
        ("replica_not_owned", ended(EndReason::NotOwned)),
        ("replica_lost", ended(EndReason::Lost)),
        ("replica_unknown", ended(EndReason::Unknown)),
        ("replica_refused", ended(EndReason::Refused)),
    ];
    let to = to.map(|(name, message)| (name, Body::ToPublisher(message)));
    let from = from.map(|(name, message)| (name, Body::ToSubscriber(message)));
    to.into_iter().chain(from).collect()
}

fn player_bodies() -> Vec<(&'static str, Body)> {
    let (player, session) = (PLAYER, SESSION_REF);
    let request = PlayerRequest::ReadBag;
    let open = ToBaseapp::Open { player, account: text("anna"), secret_hash: [1; 32], session };
    let to = [
        ("baseapp_open", open),
        (
            "baseapp_request",
            ToBaseapp::Request { player, session, id: REQUEST, request, head: HEAD.into() },
        ),
        ("baseapp_close", ToBaseapp::Close { player, session }),
    ];
    let (session, owner, name) = (SESSION, address(Role::Baseapp), text("anna"));
    let from = [
        ("baseapp_opened", FromBaseapp::Opened { session, player, name, order: ORDER }),
        ("baseapp_moved", FromBaseapp::Moved { session, owner }),
        ("baseapp_refused", FromBaseapp::Refused { session, refusal: refusal() }),
        ("baseapp_reply", FromBaseapp::Reply { session, id: REQUEST, result: Ok(Reply::Done) }),
        ("baseapp_event", FromBaseapp::Event { session, event: Event::Queued }),
    ];
    let to = to.map(|(name, message)| (name, Body::ToBaseapp(message)));
    let from = from.map(|(name, message)| (name, Body::FromBaseapp(message)));
    to.into_iter().chain(from).collect()
}

fn social_bodies() -> Vec<(&'static str, Body)> {
    let (player, session, baseapp) = (PLAYER, SESSION_REF, address(Role::Baseapp));
    let request = SocialRequest::CreateTeam;
    let party = vec![PartyMember { player, session, baseapp }];
    let to_social = |message| Body::ToSocial(message);
    let from_social = |message| Body::FromSocial(message);
    let to_matchmaker = |message| Body::ToMatchmaker(message);
    let from_matchmaker = |message| Body::FromMatchmaker(message);
    let result = Ok(Reply::Done);
    vec![
        (
            "online",
            to_social(ToSocial::Online {
                player,
                name: text("anna"),
                session,
                baseapp,
                order: ORDER,
            }),
        ),
        ("offline", to_social(ToSocial::Offline { player, session })),
        ("social_request", {
            let (order, id) = (ORDER, REQUEST);
            to_social(ToSocial::Request { player, session, order, id, request, head: HEAD.into() })
        }),
        ("social_reply", from_social(FromSocial::Reply { session: SESSION, id: REQUEST, result })),
        ("social_event", from_social(FromSocial::Event { session: SESSION, event: Event::Queued })),
        (
            "enqueue",
            to_matchmaker(ToMatchmaker::Enqueue {
                ticket: TICKET,
                queue: text("arena"),
                party,
                head: HEAD.into(),
            }),
        ),
        ("cancel", to_matchmaker(ToMatchmaker::Cancel { ticket: TICKET })),
        ("ticket_queued", from_matchmaker(FromMatchmaker::Queued { ticket: TICKET })),
        (
            "ticket_matched",
            from_matchmaker(FromMatchmaker::Matched {
                ticket: TICKET,
                battle: BATTLE,
                battleapp: address(Role::Battleapp),
            }),
        ),
        (
            "ticket_closed",
            from_matchmaker(FromMatchmaker::Closed { ticket: TICKET, refused: Some(refusal()) }),
        ),
    ]
}

fn battle_bodies() -> Vec<(&'static str, Body)> {
    let (battle, player, session) = (BATTLE, PLAYER, SESSION_REF);
    let stakes = Stakes { won: 16, lost: -16, drawn: 0 };
    let seats = vec![Seat { side: 1, player, session, card: card(), stakes }];
    let bots = vec![BotSeat { side: 1, strength: Strength::Veteran }];
    let start_battle = ToBattle::Start { battle, mode: text("arena"), seed: 12, seats, bots };
    let from = [
        ("battle_started", FromBattle::Started { battle }),
        ("battle_refused", FromBattle::Refused { battle, refusal: refusal() }),
        ("battle_ended", FromBattle::Ended { battle }),
    ];
    let input = [
        ("battle_commands", BattleInput::Commands { player, session, datagram: datagram() }),
        ("battle_left", BattleInput::Left { battle, player, session }),
    ];
    let session = SESSION;
    let encoded = Encoded { by_stream: true, sessions: vec![session], bytes: vec![1, 2, 3] };
    let output = [
        ("battle_seated", BattleOutput::Seated { session, start: start() }),
        ("battle_snapshots", BattleOutput::Snapshots { battle, encoded: vec![encoded] }),
        ("battle_event", BattleOutput::Event { session, event: Event::Queued }),
        ("battle_over", BattleOutput::Over { battle }),
        ("battle_not_seated", BattleOutput::NotSeated { session, battle }),
        ("battle_watching", BattleOutput::Watching { session, start: start() }),
    ];
    let owners = ToBattle::Owners { battle, baseapps: vec![address(Role::Baseapp)] };
    let mut all = vec![("battle_start", Body::ToBattle(start_battle))];
    all.push(("battle_owners", Body::ToBattle(owners)));
    all.extend(from.map(|(name, message)| (name, Body::FromBattle(message))));
    all.extend(input.map(|(name, message)| (name, Body::BattleInput(message))));
    all.extend(output.map(|(name, message)| (name, Body::BattleOutput(message))));
    all
}

fn mails() -> Vec<(&'static str, Mail)> {
    vec![
        ("mail_gift", Mail::Gift { from: OTHER, from_name: text("bert"), attached: attached() }),
        (
            "mail_battle_result",
            Mail::BattleResult {
                battle: BATTLE,
                outcome: Outcome::Won,
                rating_change: -300,
                xp: 50,
                attached: attached(),
            },
        ),
        (
            "mail_guild_application",
            Mail::GuildApplication {
                player: PLAYER,
                player_name: text("anna"),
                found: Some(text("Owls")),
            },
        ),
        ("mail_guild_left", Mail::GuildLeft { player: PLAYER }),
        ("mail_guild_answer", Mail::GuildAnswer { guild: GUILD, refused: None }),
    ]
}
