//! The state machine of a ticket: one total function that touches nothing.

use shared::ids::{Address, BattleId};
use shared::limits::TEAM_MEMBERS_MAX;
use shared::msg::client::{Event, Reply};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::tick::Tick;

use crate::core::requests::Ask;

/// How far a ticket has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The matchmaker was asked.
    Queueing {
        /// The leader's request; answered when the matchmaker has accepted.
        ask: Ask,
        /// When it was asked.
        since: Tick,
    },
    /// The matchmaker looks for a match.
    Queued,
    /// The matchmaker was told to forget the ticket; a match may still be faster.
    Cancelling(Cancelling),
    /// The party fights.
    Fighting {
        /// The battle.
        battle: BattleId,
        /// Where it is fought.
        battleapp: Address,
        /// When it began.
        since: Tick,
    },
}

/// A cancellation that is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cancelling {
    /// Requests to leave; answered when it is clear who was faster. At most
    /// `limits::TEAM_MEMBERS_MAX`.
    pub(crate) asks: Vec<Ask>,
    /// Why, if no member asked for it.
    pub(crate) why: Option<Refusal>,
    /// Whether the party was told that it is queued, and so has to be told that it is not.
    pub(crate) told: bool,
    /// When it was cancelled first.
    pub(crate) since: Tick,
}

/// What can happen to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The matchmaker has accepted it.
    Queued,
    /// The matchmaker has found a match, and the battle has begun.
    Matched {
        /// The battle.
        battle: BattleId,
        /// Where it is fought.
        battleapp: Address,
    },
    /// The matchmaker has closed it.
    Closed {
        /// Why, if neither asked for nor a finished battle.
        refused: Option<Refusal>,
    },
    /// A member wants to leave the queue.
    LeaveAsked(Ask),
    /// The party cannot play any more.
    Withdrawn(Refusal),
    /// Whoever had the ticket or the battle is gone or silent.
    Lost(Refusal),
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Answer a request.
    Answer(Ask, Result<Reply, Refusal>),
    /// Tell all members who are online.
    Tell(Event),
    /// Tell the matchmaker to forget the ticket.
    Cancel,
    /// Bring members who have a new session since the ticket was made into the battle.
    Rejoin,
}

impl Phase {
    /// What follows: the next phase (`None`: the ticket is no more) and what is to be done.
    pub(crate) fn step(self, happening: Happening, now: Tick) -> (Option<Self>, Vec<Effect>) {
        match self {
            Self::Queueing { ask, .. } => step_queueing(ask, happening, now),
            Self::Queued => step_queued(happening, now),
            Self::Cancelling(cancelling) => step_cancelling(cancelling, happening, now),
            Self::Fighting { battle, battleapp, since } => {
                step_fighting(Self::Fighting { battle, battleapp, since }, happening, now)
            }
        }
    }
}

fn step_queueing(ask: Ask, happening: Happening, now: Tick) -> (Option<Phase>, Vec<Effect>) {
    match happening {
        Happening::Queued => {
            let effects = vec![Effect::Answer(ask, Ok(Reply::Done)), Effect::Tell(Event::Queued)];
            (Some(Phase::Queued), effects)
        }
        Happening::Matched { battle, battleapp } => {
            let effects = vec![Effect::Answer(ask, Ok(Reply::Done)), Effect::Rejoin];
            (Some(Phase::Fighting { battle, battleapp, since: now }), effects)
        }
        Happening::Closed { refused } => {
            let refusal = refused.unwrap_or_else(|| {
                Refusal::new(
                    RefusalCode::Unavailable,
                    "the queue did not take the party; try again",
                )
            });
            (None, vec![Effect::Answer(ask, Err(refusal))])
        }
        Happening::LeaveAsked(leave) => {
            let text = "the queue was left before the matchmaker had answered";
            let refusal = Refusal::new(RefusalCode::Unavailable, text);
            let effects = vec![Effect::Answer(ask, Err(refusal)), Effect::Cancel];
            (Some(cancelling(vec![leave], None, false, now)), effects)
        }
        Happening::Withdrawn(why) => {
            let effects = vec![Effect::Answer(ask, Err(why.clone())), Effect::Cancel];
            (Some(cancelling(Vec::new(), Some(why), false, now)), effects)
        }
        Happening::Lost(why) => (None, vec![Effect::Answer(ask, Err(why))]),
    }
}

fn step_queued(happening: Happening, now: Tick) -> (Option<Phase>, Vec<Effect>) {
    match happening {
        Happening::Queued => (Some(Phase::Queued), Vec::new()),
        Happening::Matched { battle, battleapp } => {
            (Some(Phase::Fighting { battle, battleapp, since: now }), vec![Effect::Rejoin])
        }
        Happening::Closed { refused } => (None, vec![left(refused)]),
        Happening::LeaveAsked(leave) => {
            (Some(cancelling(vec![leave], None, true, now)), vec![Effect::Cancel])
        }
        Happening::Withdrawn(why) => {
            (Some(cancelling(Vec::new(), Some(why), true, now)), vec![Effect::Cancel])
        }
        Happening::Lost(why) => (None, vec![left(Some(why))]),
    }
}

fn step_cancelling(
    mut state: Cancelling,
    happening: Happening,
    now: Tick,
) -> (Option<Phase>, Vec<Effect>) {
    let answers = |asks: Vec<Ask>, result: Result<Reply, Refusal>| -> Vec<Effect> {
        asks.into_iter().map(|ask| Effect::Answer(ask, result.clone())).collect()
    };
    match happening {
        Happening::Queued | Happening::Withdrawn(_) => (Some(Phase::Cancelling(state)), Vec::new()),
        Happening::Matched { battle, battleapp } => {
            let text = "the match was made before the queue could be left";
            let refusal = Refusal::new(RefusalCode::InQueue, text);
            let mut effects = answers(state.asks, Err(refusal));
            effects.push(Effect::Rejoin);
            (Some(Phase::Fighting { battle, battleapp, since: now }), effects)
        }
        Happening::Closed { .. } | Happening::Lost(_) => {
            let mut effects = answers(state.asks, Ok(Reply::Done));
            if state.told {
                effects.push(left(state.why));
            }
            (None, effects)
        }
        Happening::LeaveAsked(leave) => {
            if state.asks.len() < TEAM_MEMBERS_MAX {
                state.asks.push(leave);
                return (Some(Phase::Cancelling(state)), Vec::new());
            }
            let text = "the queue is being left already";
            let refusal = Refusal::new(RefusalCode::Busy, text);
            (Some(Phase::Cancelling(state)), vec![Effect::Answer(leave, Err(refusal))])
        }
    }
}

fn step_fighting(fighting: Phase, happening: Happening, now: Tick) -> (Option<Phase>, Vec<Effect>) {
    match happening {
        Happening::Queued | Happening::Withdrawn(_) => (Some(fighting), Vec::new()),
        // The battle goes on elsewhere.
        Happening::Matched { battle, battleapp } => {
            (Some(Phase::Fighting { battle, battleapp, since: now }), vec![Effect::Rejoin])
        }
        Happening::Closed { refused: None } => (None, Vec::new()),
        Happening::Closed { refused } => (None, vec![left(refused)]),
        Happening::LeaveAsked(leave) => {
            let refusal = Refusal::new(RefusalCode::InQueue, "the battle has begun; fight it out");
            (Some(fighting), vec![Effect::Answer(leave, Err(refusal))])
        }
        Happening::Lost(why) => (None, vec![left(Some(why))]),
    }
}

fn cancelling(asks: Vec<Ask>, why: Option<Refusal>, told: bool, since: Tick) -> Phase {
    Phase::Cancelling(Cancelling { asks, why, told, since })
}

fn left(refused: Option<Refusal>) -> Effect {
    Effect::Tell(Event::QueueLeft { refused })
}
