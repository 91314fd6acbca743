//! The answer to a request that is not carried out: a code for programs, a text for people.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a request was refused. Codes are part of the client protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RefusalCode {
    /// The bytes are not a message of this protocol version.
    Malformed,
    /// The client speaks another protocol version and has to be updated.
    UpgradeNeeded,
    /// Something other than a login was sent before a login.
    NotLoggedIn,
    /// The account exists and the secret is not its own.
    WrongSecret,
    /// The player logged in somewhere else.
    LoggedInElsewhere,
    /// Too many requests in flight or per second; nothing was done, try again later.
    Busy,
    /// A node that is needed is not there right now; nothing was done, try again.
    Unavailable,
    /// A node was lost while it worked on the request; retry it with the same request id.
    OutcomeUnknown,
    /// The request id was used before for a different request.
    RequestIdReused,
    /// A name is too short, too long or has characters that are not allowed.
    BadName,
    /// A number is out of its range.
    BadAmount,
    /// There is no such item, pet, letter, hero, guild, team, queue or player.
    NotFound,
    /// The player does not own what the request would use.
    NotOwned,
    /// The item cannot be used that way.
    WrongKind,
    /// No room in the bag or the wallet.
    BagFull,
    /// Too much of the player's mail is still on its way.
    OutboxFull,
    /// The player is in a guild already, or an application is under way.
    InGuild,
    /// The player is in no guild.
    NoGuild,
    /// The guild or the team has no room.
    Full,
    /// The name is taken.
    NameTaken,
    /// The player is in a team already.
    InTeam,
    /// The player is in no team.
    NoTeam,
    /// Only the leader may do this.
    NotLeader,
    /// The player was not invited.
    NotInvited,
    /// The player is queued or in a battle; leave it first.
    InQueue,
    /// The player is not in that battle.
    NotInBattle,
    /// The node is being shut down; connect again.
    Draining,
    /// Too many offences; the connection is closed.
    Offences,
    /// The stored data of the player cannot be read; an operator has to look at it.
    Quarantined,
}

/// A refused request: what a program needs and what a person needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{text} ({code:?})")]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people: what happened and what to do.
    pub text: String,
}

impl Refusal {
    /// A refusal with `code` and `text`.
    #[must_use]
    pub fn new(code: RefusalCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}
