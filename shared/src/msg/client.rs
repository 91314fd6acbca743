//! What clients and the cluster say to each other on the control stream: requests and their
//! replies, events, and the inputs and snapshots of battles in datagrams.
//!
//! Control frames are `u32` little-endian length, then [`crate::wire`] bytes of a
//! [`ClientFrame`] or a [`ServerFrame`]. Datagrams are the bytes of one [`ClientDatagram`], or, to
//! the client, one byte [`DATAGRAM_SNAPSHOT`] followed by a snapshot (`docs/snapshots.md`).

mod battle;
mod views;

use serde::{Deserialize, Serialize};

pub use battle::{
    Act, BattleStart, COMMANDS_MAX, ClientDatagram, Command, FighterLine, FighterResult, Outcome,
    RESULTS_TOLD_MAX, SKILLS,
};
pub use views::{
    ATTACHED_STACKS_MAX, Attachments, BattleLine, GuildLine, GuildView, Letter, Pet, Profile,
    RosterLine, RosterView, Sender, Slot, Stack, TeamView,
};

pub use super::presence::Presence;
use super::refusal::Refusal;
use crate::ids::{BattleId, GuildId, LetterId, PlayerId, RequestId, TeamId};

/// Version of this protocol. A client with another one is told to upgrade.
pub const PROTOCOL_VERSION: u16 = 1;

/// Application protocol name in the TLS handshake.
pub const ALPN: &[u8] = b"cohort/1";

/// First byte of a datagram that carries a snapshot.
pub const DATAGRAM_SNAPSHOT: u8 = 1;

/// From client to server, on the control stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientFrame {
    /// The first frame of a connection.
    Login(Login),
    /// A request of a logged-in player.
    Request {
        /// Chosen by the client; a retry carries the same id.
        id: RequestId,
        /// What is asked.
        request: Request,
    },
}

/// Who wants in. An unknown account is created on first login and bound to the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// [`PROTOCOL_VERSION`] of the client.
    pub protocol: u16,
    /// Account name, `limits::NAME_BYTES_MIN..=NAME_BYTES_MAX` bytes of letters, digits, `-_.`.
    pub account: String,
    /// Random bytes that the device made and keeps; only a hash of them is stored.
    pub secret: [u8; 32],
}

/// What a logged-in player can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Answered by the gateway itself.
    Ping,
    /// Answered by the baseapp that owns the player.
    Player(PlayerRequest),
    /// Answered by social.
    Social(SocialRequest),
    /// Stops watching a battle. Answered by the gateway itself.
    StopWatching,
}

/// Requests about the player's own data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlayerRequest {
    /// Name, level, rating, gold, guild.
    ReadProfile,
    /// The items in the bag.
    ReadBag,
    /// The pets.
    ReadPets,
    /// What is worn.
    ReadEquipment,
    /// The letters.
    ReadInbox,
    /// Moves an item from the bag to its slot; what was there returns to the bag.
    Equip {
        /// The item.
        item: u16,
    },
    /// Moves what is worn in a slot back to the bag.
    Unequip {
        /// The slot.
        slot: Slot,
    },
    /// Consumes one item for its effect.
    UseItem {
        /// The item.
        item: u16,
    },
    /// Feeds one item to a pet.
    FeedPet {
        /// The pet's number in the player's list.
        pet: u16,
        /// The item it is fed.
        item: u16,
    },
    /// Chooses the hero for the next battle.
    ChooseHero {
        /// The hero.
        hero: u16,
    },
    /// Takes items or gold out of the own bag and mails them to another player.
    SendGift {
        /// Who gets it.
        to: PlayerId,
        /// What is in it.
        gift: Attachments,
    },
    /// Moves the attachments of a letter into bag and wallet and removes the letter.
    ClaimLetter {
        /// The letter.
        letter: LetterId,
    },
    /// Founds a guild with the player as its leader. The answer comes as an event.
    FoundGuild {
        /// Its name.
        name: String,
    },
    /// Applies for membership. The answer comes as an event.
    JoinGuild {
        /// The guild.
        guild: GuildId,
    },
    /// Leaves the guild.
    LeaveGuild,
    /// The last battles, whose replays the cluster may still have.
    ReadBattles,
}

impl PlayerRequest {
    /// Whether the request changes nothing and therefore needs no stored result.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(
            self,
            Self::ReadProfile
                | Self::ReadBag
                | Self::ReadPets
                | Self::ReadEquipment
                | Self::ReadInbox
                | Self::ReadBattles
        )
    }
}

/// Requests about others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocialRequest {
    /// A guild's members.
    ReadGuild {
        /// The guild.
        guild: GuildId,
    },
    /// Some guilds with room, to choose from.
    ListGuilds,
    /// Makes a team with the player as its leader.
    CreateTeam,
    /// Invites an online player to the own team.
    InviteToTeam {
        /// Who is invited.
        player: PlayerId,
    },
    /// Accepts an invitation.
    JoinTeam {
        /// The team.
        team: TeamId,
    },
    /// Leaves the own team.
    LeaveTeam,
    /// Queues the own team, or the player alone, for a battle.
    Queue {
        /// Name of the queue in the content files.
        queue: String,
    },
    /// Leaves the queue.
    LeaveQueue,
    /// Watches the battle that a player is in, a little later than it happens. The answer says
    /// that the battle was asked; what it says comes as an event.
    Watch {
        /// Who fights.
        player: PlayerId,
    },
    /// A guild's members, and which of them are online. The answer waits a moment for those of
    /// whom that is not known yet, and tells the others as unknown.
    ReadRoster {
        /// The guild.
        guild: GuildId,
    },
}

impl SocialRequest {
    /// The guild that the request reads, if it does no more than that: such a request is answered
    /// by the node that looks after the guild, all others by the lobby.
    #[must_use]
    pub const fn reads_guild(&self) -> Option<GuildId> {
        match self {
            Self::ReadGuild { guild } | Self::ReadRoster { guild } => Some(*guild),
            Self::ListGuilds
            | Self::CreateTeam
            | Self::InviteToTeam { .. }
            | Self::JoinTeam { .. }
            | Self::LeaveTeam
            | Self::Queue { .. }
            | Self::LeaveQueue
            | Self::Watch { .. } => None,
        }
    }
}

/// From server to client, on the control stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerFrame {
    /// The login succeeded.
    Welcome(Welcome),
    /// The answer to a request.
    Reply {
        /// The id the client gave.
        id: RequestId,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// Something happened.
    Event(Event),
    /// The server closes the connection after this frame and says why.
    Goodbye(Refusal),
    /// A snapshot of the battle that must not be lost or does not fit a datagram. The layout is in
    /// `docs/snapshots.md`.
    Snapshot(#[serde(with = "crate::wire::byte_list")] Vec<u8>),
}

/// What a client learns on login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The player's id, which others use to send gifts and invitations.
    pub player: PlayerId,
    /// Ticks per second of battles.
    pub battle_hz: u32,
}

/// Answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done, and there is nothing to add. The change is durable.
    Done,
    /// Answer to `Ping`.
    Pong,
    /// Answer to `ReadProfile`.
    Profile(Profile),
    /// Answer to `ReadBag`.
    Bag(Vec<Stack>),
    /// Answer to `ReadPets`.
    Pets(Vec<Pet>),
    /// Answer to `ReadEquipment`: the item worn in each slot, in the order of [`Slot::ALL`].
    Equipment([Option<u16>; 3]),
    /// Answer to `ReadInbox`.
    Inbox(Vec<Letter>),
    /// Answer to `ReadGuild`.
    Guild(GuildView),
    /// Answer to `ListGuilds`.
    Guilds(Vec<GuildLine>),
    /// Answer to `CreateTeam` and `JoinTeam`.
    Team(TeamView),
    /// Answer to `ReadBattles`: at most [`crate::limits::BATTLES_REMEMBERED_MAX`], the newest
    /// first.
    Battles(Vec<BattleLine>),
    /// Answer to `ReadRoster`.
    Roster(RosterView),
}

/// Something a client is told without having asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A letter came.
    LetterCame(Letter),
    /// The player is in this guild now, or in none; or an application was refused.
    GuildChanged {
        /// The guild the player is in.
        guild: Option<GuildId>,
        /// Why an application failed.
        refused: Option<Refusal>,
    },
    /// Somebody invites the player to a team.
    TeamInvitation {
        /// The team.
        team: TeamId,
        /// Who invites.
        by: PlayerId,
    },
    /// The team has changed; `None` when the player is in no team any more.
    TeamChanged(Option<TeamView>),
    /// The player (with the team) waits in a queue.
    Queued,
    /// The player is in no queue any more and not in a battle.
    QueueLeft {
        /// Why, if it was not asked for.
        refused: Option<Refusal>,
    },
    /// A battle begins; inputs are accepted from now on.
    BattleStarted(BattleStart),
    /// A battle is over; the reward comes by mail.
    BattleEnded {
        /// The battle.
        battle: BattleId,
        /// How it ended for this player.
        outcome: Outcome,
        /// The score of each side.
        score: [u32; 2],
        /// What each fighter has done, ordered by slot. Of more than [`RESULTS_TOLD_MAX`]
        /// fighters, only the player's own.
        fighters: Vec<FighterResult>,
    },
    /// The player watches a battle from now on. Snapshots come when its past is old enough.
    WatchStarted(BattleStart),
    /// The player watches the battle no more.
    WatchEnded {
        /// The battle.
        battle: BattleId,
        /// Why, if it is not over.
        refused: Option<Refusal>,
    },
    /// All of one side have lost the connection: the battle stands still until one is back, or
    /// for a limited time.
    BattlePaused {
        /// The battle.
        battle: BattleId,
        /// How long at most, in ms.
        ms: u32,
    },
    /// The battle goes on.
    BattleResumed {
        /// The battle.
        battle: BattleId,
    },
}

/// Whether `name` is fit to be seen by others: length and characters.
///
/// # Errors
/// The refusal to answer with.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    use super::refusal::RefusalCode::BadName;
    use crate::limits::{NAME_BYTES_MAX, NAME_BYTES_MIN};
    if !(NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&name.len()) {
        let text = format!("a name has {NAME_BYTES_MIN} to {NAME_BYTES_MAX} bytes");
        return Err(Refusal::new(BadName, text));
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    if !name.chars().all(allowed) || name.trim() != name {
        let text = "a name has letters, digits, single spaces inside, '-', '_' and '.' only";
        return Err(Refusal::new(BadName, text));
    }
    Ok(())
}
