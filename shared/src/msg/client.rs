//! What clients and the cluster say to each other on the control stream: requests and their
//! replies, events, and the inputs and snapshots of battles in datagrams.
//!
//! Control frames are `u32` little-endian length, then [`crate::wire`] bytes of a
//! [`ClientFrame`] or a [`ServerFrame`]. Datagrams are the bytes of one [`ClientDatagram`], or, to
//! the client, one byte [`DATAGRAM_SNAPSHOT`] followed by a snapshot as `battle_gateway` has it.

use serde::{Deserialize, Serialize};

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
        )
    }
}

/// Requests about others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocialRequest {
    /// A guild's roster.
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
}

/// A place where equipment is worn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// What is held.
    Weapon,
    /// What is worn.
    Armour,
    /// Ring, charm or the like.
    Trinket,
}

impl Slot {
    /// All slots, in the order of [`Slot::index`].
    pub const ALL: [Self; 3] = [Self::Weapon, Self::Armour, Self::Trinket];

    /// Position of the slot in an array of all slots.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Weapon => 0,
            Self::Armour => 1,
            Self::Trinket => 2,
        }
    }
}

/// A number of equal items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The item's id in the content files.
    pub item: u16,
    /// How many, `1..=limits::STACK_COUNT_MAX`.
    pub count: u32,
}

/// What a letter carries. At most [`ATTACHED_STACKS_MAX`] stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachments {
    /// Gold pieces.
    pub gold: u64,
    /// Items.
    pub stacks: Vec<Stack>,
}

/// Stacks in one letter. A gift of more is refused.
pub const ATTACHED_STACKS_MAX: usize = 8;

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
}

/// A player's profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The player.
    pub player: PlayerId,
    /// Shown to others.
    pub name: String,
    /// From 1.
    pub level: u16,
    /// Experience points towards the next level.
    pub xp: u32,
    /// Gold pieces.
    pub gold: u64,
    /// Skill rating; 1500 at the start.
    pub rating: i32,
    /// Battles won.
    pub wins: u32,
    /// Battles lost.
    pub losses: u32,
    /// Battles drawn.
    pub draws: u32,
    /// The chosen hero.
    pub hero: u16,
    /// The guild, if any.
    pub guild: Option<GuildId>,
}

/// A pet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pet {
    /// The species' id in the content files.
    pub species: u16,
    /// From 1.
    pub level: u16,
    /// Experience points towards the next level.
    pub xp: u32,
}

/// A letter in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its id in this inbox.
    pub letter: LetterId,
    /// Who sent it.
    pub from: Sender,
    /// What is in it.
    pub attached: Attachments,
}

/// Who sent a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sender {
    /// Another player.
    Player {
        /// The player.
        player: PlayerId,
        /// The name at the time.
        name: String,
    },
    /// The reward of a battle.
    Battle(BattleId),
}

/// A guild as its roster shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildView {
    /// The guild.
    pub guild: GuildId,
    /// Its name.
    pub name: String,
    /// The leader.
    pub leader: PlayerId,
    /// All members, the leader included, ordered by id.
    pub members: Vec<(PlayerId, String)>,
}

/// A guild in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildLine {
    /// The guild.
    pub guild: GuildId,
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub members: u16,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// The team.
    pub team: TeamId,
    /// The leader; alone may invite and queue.
    pub leader: PlayerId,
    /// All members, the leader first.
    pub members: Vec<PlayerId>,
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
    },
}

/// How a battle ended for one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Won.
    Won,
    /// Lost.
    Lost,
    /// Neither.
    Drawn,
}

/// What a client needs to know to take part in a battle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BattleStart {
    /// The battle.
    pub battle: BattleId,
    /// The player's fighter.
    pub slot: u8,
    /// All fighters, ordered by slot.
    pub fighters: Vec<FighterLine>,
    /// Half the width and half the height of the map in millimetres; the centre is (0, 0).
    pub half_size_mm: (i32, i32),
    /// How long the battle lasts at most.
    pub ticks_max: u32,
}

/// A fighter in the line-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FighterLine {
    /// Its number in the battle, also used in snapshots.
    pub slot: u8,
    /// 0 or 1.
    pub side: u8,
    /// The hero's id in the content files.
    pub hero: u16,
    /// The player's name.
    pub name: String,
}

/// From client to server in a datagram: everything the client has not seen acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDatagram {
    /// The battle.
    pub battle: BattleId,
    /// The newest snapshot tick the client has.
    pub seen_tick: u32,
    /// Commands, oldest first; at most [`COMMANDS_MAX`].
    pub commands: Vec<Command>,
}

/// Commands in one datagram. More are refused as malformed.
pub const COMMANDS_MAX: usize = 16;

/// What a fighter is to do in one battle tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Numbered by the client from 1 without gaps; repeats are ignored.
    pub sequence: u32,
    /// Direction to walk, each -127..=127; (0, 0) stands still. Longer vectors are cut to 127.
    pub walk: (i8, i8),
    /// What to do besides.
    pub act: Act,
}

/// An action of a fighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Nothing.
    None,
    /// The hero's melee skill against whoever is in reach.
    Melee,
    /// The hero's ranged skill into a direction, each -127..=127, not (0, 0).
    Shoot {
        /// The direction.
        towards: (i8, i8),
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
