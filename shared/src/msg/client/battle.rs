//! A client's part in a battle: how it begins and ends, and what is sent in between.

use serde::{Deserialize, Serialize};

use crate::content::Map;
use crate::ids::BattleId;

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
    /// The player's fighter; [`SPECTATOR`](crate::msg::snapshot::SPECTATOR) for one who watches.
    pub slot: u16,
    /// All fighters, ordered by slot.
    pub fighters: Vec<FighterLine>,
    /// Where it is fought. In a box, so that frames stay small.
    pub map: Box<Map>,
    /// How long the battle lasts at most.
    pub ticks_max: u32,
}

/// A fighter in the line-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FighterLine {
    /// Its number in the battle, also used in snapshots.
    pub slot: u16,
    /// 0 or 1.
    pub side: u8,
    /// The hero's id in the content files.
    pub hero: u16,
    /// The player's name.
    pub name: String,
}

/// Fighters whose results are told to everybody. In larger battles each is told its own.
pub const RESULTS_TOLD_MAX: usize = 32;

/// What a fighter has done in a battle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FighterResult {
    /// Its number in the battle.
    pub slot: u16,
    /// Fighters it has killed.
    pub kills: u32,
    /// How often it was killed.
    pub deaths: u32,
    /// Fighters that others have killed and it had harmed shortly before.
    pub assists: u32,
    /// Hit points it has taken from fighters.
    pub damage: u32,
    /// Hit points it has given back to fighters.
    pub healing: u32,
    /// Seconds for which it has been capturing.
    pub capture_s: u32,
}

/// From client to server in a datagram: everything the client has not seen acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDatagram {
    /// The battle.
    pub battle: BattleId,
    /// The newest snapshot tick that the client has and can go on from; zero asks for a keyframe.
    pub seen_tick: u32,
    /// Commands, oldest first; at most [`COMMANDS_MAX`].
    pub commands: Vec<Command>,
}

/// Commands in one datagram. More are refused as malformed.
pub const COMMANDS_MAX: usize = 16;

/// Skills of a fighter. Commands with others are refused as malformed.
pub const SKILLS: u8 = 4;

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
    /// One of the hero's skills.
    Skill {
        /// Which one, below [`SKILLS`].
        skill: u8,
        /// The point aimed at, seen from the fighter: a direction for what flies, a place for
        /// what lands, of no meaning for what needs no aim. No part may be -32768.
        aim_mm: (i16, i16),
    },
}
