//! A ticket: its members and the states it goes through.

use shared::ids::{Address, BattleId};
use shared::msg::head::Trace;
use shared::msg::matchmaker_baseapp::PlayerCard;
use shared::msg::refusal::Refusal;
use shared::msg::social_matchmaker::PartyMember;
use shared::tick::Tick;

/// Ratings beyond this are taken as this, so that sums cannot overflow.
const RATING_ABS_MAX: i32 = 100_000;

/// A party that wants to fight.
#[derive(Debug)]
pub(super) struct Ticket {
    /// Who is told; `None` once that node is gone.
    pub(super) social: Option<Address>,
    /// Index of the queue.
    pub(super) queue: usize,
    /// The party.
    pub(super) members: Vec<Member>,
    /// Where it stands.
    pub(super) state: TicketState,
    /// Who follows the request that made it.
    pub(super) trace: Option<Trace>,
}

/// A player of a ticket.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) who: PartyMember,
    /// The newest card; `None` until the baseapp has published one.
    pub(super) card: Option<PlayerCard>,
}

impl Ticket {
    pub(super) fn has_all_cards(&self) -> bool {
        self.members.iter().all(|member| member.card.is_some())
    }

    /// Sum of the members' ratings.
    pub(super) fn rating_sum(&self) -> i32 {
        let ratings = self.members.iter().filter_map(|member| member.card.as_ref());
        ratings.map(|card| card.rating.clamp(-RATING_ABS_MAX, RATING_ABS_MAX)).sum()
    }

    /// Number of members.
    pub(super) fn size(&self) -> u8 {
        u8::try_from(self.members.len()).expect("a party is no larger than a side")
    }
}

/// A place in the line, kept when a battle could not be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Since when the ticket has waited.
    pub(super) since: Tick,
    /// Order of arrival.
    pub(super) number: u64,
}

/// Where a ticket stands. Closed tickets are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TicketState {
    /// The members' cards are followed, and not all of them have come.
    AwaitingCards {
        /// When the ticket is closed if a card is missing.
        deadline: Tick,
    },
    /// In the pool of its queue.
    Waiting(Place),
    /// Matched; a battleapp was asked to begin the battle.
    Placing {
        /// The place to which the ticket returns if the battle cannot begin.
        place: Place,
        /// The battle.
        battle: BattleId,
        /// The party asked to leave meanwhile; it gets its way only if the battle does not begin.
        leaving: bool,
    },
    /// The battle runs.
    Fighting {
        /// The battle.
        battle: BattleId,
        /// Where.
        battleapp: Address,
    },
}

/// What can happen to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TicketEvent {
    /// All cards are there; this is the ticket's place in the line.
    CardsComplete(Place),
    /// A card will not come.
    CardMissing(Refusal),
    /// The party is part of a battle that is being placed.
    Matched(BattleId),
    /// The battle runs.
    Started(Address),
    /// The battle certainly did not begin anywhere.
    NotStarted,
    /// The battle is over, lost, or nothing is known of it.
    Over(Option<Refusal>),
    /// The party wants to leave.
    Cancelled,
    /// The node is being shut down.
    Drained(Refusal),
    /// The social node is gone.
    SocialGone,
}

/// What becomes of the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// It enters a state.
    To(TicketState),
    /// It ends.
    Close(Option<Refusal>),
}

impl TicketState {
    /// What `event` does to a ticket in this state.
    pub(super) fn step(self, event: TicketEvent) -> Step {
        match self {
            Self::AwaitingCards { .. } => match event {
                TicketEvent::CardsComplete(place) => Step::To(Self::Waiting(place)),
                TicketEvent::CardMissing(refusal) | TicketEvent::Drained(refusal) => {
                    Step::Close(Some(refusal))
                }
                TicketEvent::Cancelled | TicketEvent::SocialGone => Step::Close(None),
                TicketEvent::Matched(_)
                | TicketEvent::Started(_)
                | TicketEvent::NotStarted
                | TicketEvent::Over(_) => Step::Stay,
            },
            Self::Waiting(place) => match event {
                TicketEvent::Matched(battle) => {
                    Step::To(Self::Placing { place, battle, leaving: false })
                }
                TicketEvent::Drained(refusal) => Step::Close(Some(refusal)),
                TicketEvent::Cancelled | TicketEvent::SocialGone => Step::Close(None),
                TicketEvent::CardsComplete(_)
                | TicketEvent::CardMissing(_)
                | TicketEvent::Started(_)
                | TicketEvent::NotStarted
                | TicketEvent::Over(_) => Step::Stay,
            },
            Self::Placing { place, battle, leaving } => match event {
                TicketEvent::Started(battleapp) => Step::To(Self::Fighting { battle, battleapp }),
                TicketEvent::NotStarted if leaving => Step::Close(None),
                TicketEvent::NotStarted => Step::To(Self::Waiting(place)),
                TicketEvent::Over(refused) => Step::Close(refused),
                TicketEvent::Cancelled | TicketEvent::SocialGone => {
                    Step::To(Self::Placing { place, battle, leaving: true })
                }
                TicketEvent::CardsComplete(_)
                | TicketEvent::CardMissing(_)
                | TicketEvent::Matched(_)
                | TicketEvent::Drained(_) => Step::Stay,
            },
            Self::Fighting { .. } => match event {
                TicketEvent::Over(refused) => Step::Close(refused),
                TicketEvent::CardsComplete(_)
                | TicketEvent::CardMissing(_)
                | TicketEvent::Matched(_)
                | TicketEvent::Started(_)
                | TicketEvent::NotStarted
                | TicketEvent::Cancelled
                | TicketEvent::Drained(_)
                | TicketEvent::SocialGone => Step::Stay,
            },
        }
    }
}
