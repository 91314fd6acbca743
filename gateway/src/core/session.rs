//! A session: one enum says how far it is, one function says what it waits for.

use shared::ids::{Address, BattleId, LoginOrder, PlayerId, RequestId};
use shared::msg::head::Head;
use shared::store::OpId;
use shared::tick::Tick;

use super::bucket::Bucket;
use super::limits::Rules;

/// A client's session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) state: State,
    /// When its timer is set to go off; never later than [`State::due`].
    pub(super) armed: Option<Tick>,
    pub(super) requests: Bucket,
    pub(super) datagrams: Bucket,
    pub(super) excess: Bucket,
    pub(super) offences: u32,
}

impl Session {
    /// A session that was just accepted.
    pub(super) fn new(rules: &Rules, now: Tick) -> Self {
        Self {
            state: State::Connected { due: now.after(rules.auth_ticks) },
            armed: None,
            requests: Bucket::full(rules.requests, now),
            datagrams: Bucket::full(rules.datagrams, now),
            excess: Bucket::full(rules.excess, now),
            offences: 0,
        }
    }
}

/// How far a session is.
#[derive(Debug)]
pub(super) enum State {
    /// Accepted; the login has to come before `due`.
    Connected { due: Tick },
    /// The store is asked who owns the player.
    FindingOwner { attempt: Attempt, op: OpId },
    /// A baseapp is asked to let the player in, and asked once more at `again`.
    Opening { attempt: Attempt, baseapp: Address, again: Tick },
    /// Logged in.
    Playing(Box<Playing>),
    /// The shell was told to close; forgotten at `due` even if it never says that it did.
    Closing { due: Tick },
}

/// A login under way.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) player: PlayerId,
    pub(super) account: String,
    pub(super) secret_hash: [u8; 32],
    /// Baseapps that sent the login on.
    pub(super) hops: u8,
    pub(super) due: Tick,
}

/// What is known of a logged-in session.
#[derive(Debug)]
pub(super) struct Playing {
    pub(super) player: PlayerId,
    /// The shown name.
    pub(super) name: String,
    /// The place among the player's logins.
    pub(super) order: LoginOrder,
    /// Who owns the player.
    pub(super) baseapp: Address,
    /// The lobby, as it was last told that the player is online.
    pub(super) social: Option<Address>,
    /// When to tell social again, because it could not be reached.
    pub(super) announce_due: Option<Tick>,
    pub(super) seat: Option<Seat>,
    /// The battle that the session was in before. Its late inputs are no offence.
    pub(super) seat_before: Option<BattleId>,
    /// At most `limits::REQUESTS_IN_FLIGHT_MAX`, in the order in which they came.
    pub(super) in_flight: Vec<InFlight>,
    /// The node drains: the session ends when nothing is in flight, or then.
    pub(super) leave_by: Option<Tick>,
}

/// A place in a battle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) battle: BattleId,
    pub(super) battleapp: Address,
    /// The session watches and has no fighter there.
    pub(super) watches: bool,
}

/// A request that another node works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub(super) id: RequestId,
    pub(super) to: Address,
    pub(super) due: Tick,
    pub(super) head: Head,
}

impl State {
    /// When the session has to be looked at again, if nothing happens before.
    pub(super) fn due(&self) -> Option<Tick> {
        match self {
            Self::Connected { due } | Self::Closing { due } => Some(*due),
            Self::FindingOwner { attempt, .. } => Some(attempt.due),
            Self::Opening { attempt, again, .. } => Some(attempt.due.min(*again)),
            Self::Playing(playing) => {
                let oldest = playing.in_flight.first().map(|request| request.due);
                [oldest, playing.announce_due, playing.leave_by].into_iter().flatten().min()
            }
        }
    }

    /// Whether the session still has to log in.
    pub(super) fn is_logging_in(&self) -> bool {
        match self {
            Self::Connected { .. } | Self::FindingOwner { .. } | Self::Opening { .. } => true,
            Self::Playing(_) | Self::Closing { .. } => false,
        }
    }
}
