//! What a finished battle leaves in the store: one part with the result, and a mail for each
//! player, in one commit. Whoever finds the part knows that the mails were posted with it.

use serde::{Deserialize, Serialize};
use shared::content::Reward;
use shared::ids::{BattleId, Key, PlayerId};
use shared::msg::client::{ATTACHED_STACKS_MAX, Attachments, Outcome, Stack};
use shared::msg::mail::Mail;
use shared::ownership::Change;
use shared::store::{PartId, Parts, Post};
use shared::wire;

use super::battle::{Ending, Sitting};
use super::setup::ModeRules;

/// The part of a battle's key that holds its [`StoredResult`].
pub const RESULT_PART: PartId = PartId(1);
/// Version of [`StoredResult`].
pub const RESULT_SCHEMA: u8 = 1;

/// The result of a battle as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredResult {
    /// [`RESULT_SCHEMA`]; always first.
    pub schema: u8,
    /// The battle was ended by a fault of the simulation and counts for nothing.
    pub void: bool,
    /// How it ended for each player, by slot.
    pub outcomes: Vec<(PlayerId, Outcome)>,
}

/// How a battle ended for a seat.
#[must_use]
pub fn outcome_of(ending: Ending, seat: &Sitting) -> Outcome {
    match ending {
        Ending::Fought(verdict) | Ending::Deserted(verdict) => verdict.outcome(seat.side),
        Ending::Void => Outcome::Drawn,
    }
}

/// The commit that ends a battle. A void battle posts nothing: no rating changes, no reward.
#[must_use]
pub fn change_of(battle: BattleId, ending: Ending, seats: &[Sitting], rules: &ModeRules) -> Change {
    let outcomes = seats.iter().map(|seat| (seat.player, outcome_of(ending, seat)));
    let void = ending == Ending::Void;
    let result = StoredResult { schema: RESULT_SCHEMA, void, outcomes: outcomes.collect() };
    let post = |seat: &Sitting| {
        let outcome = outcome_of(ending, seat);
        let reward = rules.reward(outcome);
        let rating_change = match outcome {
            Outcome::Won => seat.stakes.won,
            Outcome::Lost => seat.stakes.lost,
            Outcome::Drawn => seat.stakes.drawn,
        };
        let mail = Mail::BattleResult {
            battle,
            outcome,
            rating_change,
            xp: reward.xp,
            attached: attached(reward),
        };
        Post { target: Key::Player(seat.player), mail: wire::encode(&mail) }
    };
    let posts = if void { Vec::new() } else { seats.iter().map(post).collect() };
    Change { parts: vec![(RESULT_PART, wire::encode(&result))], posts }
}

/// Whether the parts of a battle's key say that it was fought to its end.
#[must_use]
pub fn is_finished(parts: &Parts) -> bool {
    parts.iter().any(|(part, _)| *part == RESULT_PART)
}

/// At most as many stacks as a letter takes; the content rules allow no more.
fn attached(reward: &Reward) -> Attachments {
    let items = reward.items.iter().take(ATTACHED_STACKS_MAX);
    let stacks = items.map(|grant| Stack { item: grant.item, count: grant.count });
    Attachments { gold: reward.gold, stacks: stacks.collect() }
}
