//! What a finished battle leaves in the store: one part with the result, and a mail for each
//! player, in one commit, or in several if there are more mails than an outbox takes.

use serde::{Deserialize, Serialize};
use shared::content::Reward;
use shared::ids::{BattleId, Key, PlayerId};
use shared::limits::PART_BYTES_MAX;
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
    /// How many of them have been sent their mail, by slot.
    pub paid: u32,
}

/// How a battle ended for a seat.
#[must_use]
pub fn outcome_of(ending: Ending, seat: &Sitting) -> Outcome {
    match ending {
        Ending::Fought(verdict) | Ending::Deserted(verdict) => verdict.outcome(seat.side),
        Ending::Void => Outcome::Drawn,
    }
}

/// What a battle that has ended owes: its result and a mail for each player. They fit into one
/// commit unless more players fought than an outbox takes mails; then each commit says how many
/// of them have been posted, so that nobody is paid twice whatever happens in between.
#[derive(Clone, Debug)]
pub struct Payout {
    result: StoredResult,
    /// By slot; empty for a void battle: no rating changes, no reward.
    posts: Vec<Post>,
    /// How many of them are staged; `None` before the result is.
    paid: Option<u32>,
}

impl Payout {
    /// All that is owed.
    #[must_use]
    pub fn new(battle: BattleId, ending: Ending, seats: &[Sitting], rules: &ModeRules) -> Self {
        let outcomes = seats.iter().map(|seat| (seat.player, outcome_of(ending, seat))).collect();
        let void = ending == Ending::Void;
        let result = StoredResult { schema: RESULT_SCHEMA, void, outcomes, paid: 0 };
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
        Self { result, posts, paid: None }
    }

    /// Goes on from what the store has; see [`paid_in`].
    pub const fn resume(&mut self, paid: Option<u32>) {
        self.paid = paid;
    }

    /// The next commit, with at most `room` mails; `None` if there is nothing to do, or no room.
    pub fn next_change(&mut self, room: u64) -> Option<Change> {
        let paid = self.paid.unwrap_or(0);
        let from = usize::try_from(paid).unwrap_or(usize::MAX).min(self.posts.len());
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let posts: Vec<Post> = self.posts.iter().skip(from).take(room).cloned().collect();
        if posts.is_empty() && (self.paid.is_some() || !self.posts.is_empty()) {
            return None;
        }
        self.result.paid = paid.saturating_add(u32::try_from(posts.len()).unwrap_or(u32::MAX));
        self.paid = Some(self.result.paid);
        Some(Change { parts: vec![(RESULT_PART, wire::encode(&self.result))], posts })
    }

    /// Whether everything is staged.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        let posts = u32::try_from(self.posts.len()).unwrap_or(u32::MAX);
        self.paid.is_some_and(|paid| paid >= posts)
    }
}

/// How many players have been paid, as the parts of a battle's key say; `None` if the battle was
/// not fought to its end.
#[must_use]
pub fn paid_in(parts: &Parts) -> Option<u32> {
    let (_, bytes) = parts.iter().find(|(part, _)| *part == RESULT_PART)?;
    // A result that cannot be read was stored by another build, which paid all.
    let result: Option<StoredResult> = wire::decode(bytes, PART_BYTES_MAX).ok();
    Some(result.map_or(u32::MAX, |result| result.paid))
}

/// At most as many stacks as a letter takes; the content rules allow no more.
fn attached(reward: &Reward) -> Attachments {
    let items = reward.items.iter().take(ATTACHED_STACKS_MAX);
    let stacks = items.map(|grant| Stack { item: grant.item, count: grant.count });
    Attachments { gold: reward.gold, stacks: stacks.collect() }
}
