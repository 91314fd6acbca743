//! A battle as the matchmaker sees it: asked for, running, or in doubt.
//!
//! What is known of the beginning decides what may follow:
//!
//! - *Certainly not begun* (the battleapp refused, or the frame was handed back): the same battle
//!   is offered to another battleapp, under the same id.
//! - *Unknown* (no answer in time): it is never offered anywhere again. Its tickets are closed,
//!   but its players stay reserved until the battleapp speaks or is gone, so that none of them
//!   gets into a second battle while the first may run.
//! - *Lost* (the node is gone): its tickets are closed and the players are free.

use shared::ids::{Address, BattleId, PlayerId, TicketId};
use shared::msg::matchmaker_battle::{FromBattle, Seat};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::tick::Tick;

/// A match that became, or is to become, a battle.
#[derive(Debug)]
pub(super) struct Battle {
    /// Index of the queue.
    pub(super) queue: usize,
    /// Who fights on which side.
    pub(super) sides: [Vec<TicketId>; 2],
    /// Who fights, with the cards of when the match was made: a battle that is offered again is
    /// the same one, but for newer cards that the battleapp sees.
    pub(super) seats: Vec<Seat>,
    /// Battleapps that certainly did not begin it.
    pub(super) refused_by: Vec<Address>,
    /// Players who are reserved although their tickets were closed.
    pub(super) reserved: Vec<PlayerId>,
    /// Where it stands.
    pub(super) state: BattleState,
}

/// Where a battle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BattleState {
    /// The battleapp was asked.
    Starting {
        /// Who was asked.
        battleapp: Address,
        /// When the outcome counts as unknown.
        deadline: Tick,
    },
    /// The battleapp said that it runs.
    Running {
        /// Where.
        battleapp: Address,
        /// When it counts as lost.
        deadline: Tick,
    },
    /// Nobody knows whether it runs.
    Doubtful {
        /// Who was asked.
        battleapp: Address,
        /// When its players are set free in any case.
        deadline: Tick,
    },
}

/// What can happen to a battle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BattleEvent {
    /// A battleapp says that it runs.
    Started(Address),
    /// A battleapp says that it does not run (any more) and left no result.
    Refused(Address),
    /// A battleapp says that it is over.
    Ended(Address),
    /// The request to begin did not reach this battleapp.
    Unsent(Address),
    /// The battleapp's node is gone.
    NodeGone,
    /// A deadline that was set for this tick has come.
    Deadline(Tick),
}

/// What becomes of the battle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BattleStep {
    /// Nothing.
    Stay,
    /// It runs at this battleapp.
    Run(Address),
    /// It certainly did not begin at this battleapp.
    PlaceAgain(Address),
    /// It is unknown whether it runs at this battleapp.
    Doubt(Address),
    /// It is over; the refusal is for its tickets.
    Over(Option<Refusal>),
}

impl BattleEvent {
    /// What a frame of a battleapp means, and for which battle.
    pub(super) fn said(from: Address, said: FromBattle) -> (BattleId, Self) {
        match said {
            FromBattle::Started { battle } => (battle, Self::Started(from)),
            FromBattle::Refused { battle, refusal } => {
                tracing::debug!(%battle, %from, %refusal, "battle refused");
                (battle, Self::Refused(from))
            }
            FromBattle::Ended { battle } => (battle, Self::Ended(from)),
        }
    }

    /// The battleapp that the event comes from, if it comes from one.
    const fn battleapp(self) -> Option<Address> {
        match self {
            Self::Started(from) | Self::Refused(from) | Self::Ended(from) | Self::Unsent(from) => {
                Some(from)
            }
            Self::NodeGone | Self::Deadline(_) => None,
        }
    }
}

impl BattleState {
    /// Who was asked last.
    pub(super) const fn battleapp(self) -> Address {
        match self {
            Self::Starting { battleapp, .. }
            | Self::Running { battleapp, .. }
            | Self::Doubtful { battleapp, .. } => battleapp,
        }
    }

    pub(super) const fn is_running(self) -> bool {
        match self {
            Self::Running { .. } => true,
            Self::Starting { .. } | Self::Doubtful { .. } => false,
        }
    }

    /// What `event` does to a battle in this state.
    pub(super) fn step(self, event: BattleEvent) -> BattleStep {
        if event.battleapp().is_some_and(|battleapp| battleapp != self.battleapp()) {
            return BattleStep::Stay;
        }
        match self {
            Self::Starting { battleapp, deadline } => match event {
                BattleEvent::Started(_) => BattleStep::Run(battleapp),
                BattleEvent::Refused(_) | BattleEvent::Unsent(_) => {
                    BattleStep::PlaceAgain(battleapp)
                }
                BattleEvent::Ended(_) => BattleStep::Over(None),
                BattleEvent::NodeGone => BattleStep::Over(Some(lost_with_node())),
                BattleEvent::Deadline(at) if at == deadline => BattleStep::Doubt(battleapp),
                BattleEvent::Deadline(_) => BattleStep::Stay,
            },
            Self::Running { deadline, .. } => match event {
                BattleEvent::Ended(_) => BattleStep::Over(None),
                BattleEvent::Refused(_) => BattleStep::Over(Some(broken_off())),
                BattleEvent::NodeGone => BattleStep::Over(Some(lost_with_node())),
                BattleEvent::Deadline(at) if at == deadline => {
                    BattleStep::Over(Some(never_ended()))
                }
                BattleEvent::Started(_) | BattleEvent::Unsent(_) | BattleEvent::Deadline(_) => {
                    BattleStep::Stay
                }
            },
            Self::Doubtful { battleapp, deadline } => match event {
                BattleEvent::Started(_) => BattleStep::Run(battleapp),
                BattleEvent::Deadline(at) if at != deadline => BattleStep::Stay,
                BattleEvent::Refused(_)
                | BattleEvent::Ended(_)
                | BattleEvent::Unsent(_)
                | BattleEvent::NodeGone
                | BattleEvent::Deadline(_) => BattleStep::Over(None),
            },
        }
    }
}

/// For tickets of a battle of which it is unknown whether it began.
pub(super) fn unknown() -> Refusal {
    let text = "no answer came from where the battle was to be fought; try again in a while";
    Refusal::new(RefusalCode::Unavailable, text)
}

fn lost_with_node() -> Refusal {
    Refusal::new(RefusalCode::Unavailable, "the battle was lost with its node; queue again")
}

fn broken_off() -> Refusal {
    Refusal::new(RefusalCode::Unavailable, "the battle was broken off; queue again")
}

fn never_ended() -> Refusal {
    let text = "nothing was heard of the battle for too long; queue again";
    Refusal::new(RefusalCode::Unavailable, text)
}
