//! What clients are shown of players, guilds and teams.

use serde::{Deserialize, Serialize};

use super::battle::Outcome;
use crate::ids::{BattleId, GuildId, LetterId, PlayerId, TeamId};
use crate::msg::presence::Presence;

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

/// A battle that a player has fought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BattleLine {
    /// The battle; its replay is kept under this id.
    pub battle: BattleId,
    /// How it ended for the player.
    pub outcome: Outcome,
    /// Added to the rating.
    pub rating_change: i32,
    /// Added to the experience.
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

/// A guild and who is in it.
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

/// A guild's roster: who is in it, and which of them can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterView {
    /// The guild.
    pub guild: GuildId,
    /// Its name.
    pub name: String,
    /// The leader.
    pub leader: PlayerId,
    /// All members, the leader included, ordered by id.
    pub members: Vec<RosterLine>,
}

/// A member in a roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterLine {
    /// The member.
    pub player: PlayerId,
    /// The shown name.
    pub name: String,
    /// Whether the member can be reached.
    pub presence: Presence,
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
