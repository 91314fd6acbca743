//! What a bot is told before it begins: who it is, with whom it teams up, how fast it asks.

use std::ops::Range;
use std::sync::Arc;

use shared::content::{Content, Meeting};
use shared::ids::PlayerId;
use shared::rng;

/// Team sizes in the order in which teams are filled from the list of bots. Of 50 teams 30 are
/// single players, 10 pairs, 5 of three, 2 of four and 3 of five.
const TEAM_SIZES: [u32; 50] = [
    1, 2, 1, 1, 3, 1, 1, 2, 1, 4, //
    1, 2, 1, 1, 3, 1, 1, 2, 1, 5, //
    1, 2, 1, 1, 3, 1, 1, 2, 1, 5, //
    1, 2, 1, 1, 3, 1, 1, 2, 1, 4, //
    1, 2, 1, 1, 3, 1, 1, 2, 1, 5, //
];

/// What all bots of one run have in common.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many bots there are. Gifts and invitations go to bots of the same run.
    pub players: u32,
    /// Milliseconds between the moments at which a bot asks for something.
    pub pace_ms: u64,
    /// The queue in which bots want to fight; `None` for bots that never fight.
    pub queue: Option<String>,
    /// What items are good for and how far heroes shoot.
    pub content: Arc<Content>,
    /// Mixed into request ids. Another one for every run against the same store, or the servers
    /// would take a second run's requests for retries of the first.
    pub run: u64,
}

impl Plan {
    /// A plan with the queue of `content` in which the largest sides meet.
    #[must_use]
    pub fn new(players: u32, pace_ms: u64, content: Arc<Content>, run: u64) -> Self {
        let sides = content.queues.values().filter_map(|queue| match &queue.meeting {
            Meeting::Sides(sides) => Some((sides.side_fighters, &queue.name)),
            Meeting::Crowd(_) => None,
        });
        let queue = sides.max().map(|(_, name)| name.clone());
        Self { players, pace_ms: pace_ms.max(1), queue, content, run }
    }

    /// The bots that team up with bot `index`, itself included. The first one leads.
    #[must_use]
    pub fn team_of(&self, index: u32) -> Range<u32> {
        let queue = self.queue.as_ref().and_then(|name| self.content.queues.get(name));
        let largest = queue.map_or(1, |queue| queue.party_max().max(1));
        let sizes = TEAM_SIZES.map(|size| size.min(u32::try_from(largest).unwrap_or(size)));
        let round: u32 = sizes.iter().sum();
        let mut first = index - index % round;
        for size in sizes {
            if index < first + size {
                return first..(first + size).min(self.players.max(index + 1));
            }
            first += size;
        }
        index..index + 1
    }
}

/// The account of a bot.
#[must_use]
pub fn account(seed: u64, index: u32) -> String {
    format!("bot-{seed}-{index}")
}

/// The player of a bot.
#[must_use]
pub fn player(seed: u64, index: u32) -> PlayerId {
    PlayerId::of_account(&account(seed, index))
}

/// The secret of a bot's account: the same in every run, so that it can log in again. Anyone who
/// knows the seed knows it; a bot's account is nothing to protect.
#[must_use]
pub fn secret(seed: u64, index: u32) -> [u8; 32] {
    let mut secret = [0; 32];
    for (part, chunk) in (0..).zip(secret.chunks_exact_mut(8)) {
        let word = rng::mix(seed, &[u64::from(index), part, 0x5EC2_E700]);
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::sample;

    #[test]
    fn team_sizes_are_mixed_as_stated() {
        let count = |size| TEAM_SIZES.iter().filter(|of| **of == size).count();
        assert_eq!([1, 2, 3, 4, 5].map(count), [30, 10, 5, 2, 3]);
    }

    #[test]
    fn every_bot_is_in_exactly_one_team_and_all_members_agree_on_it() {
        let plan = Plan::new(300, 100, sample::content(), 1);
        for index in 0..300 {
            let team = plan.team_of(index);
            assert!(team.contains(&index) && team.len() <= 5 && team.end <= 300);
            assert!(team.clone().all(|fellow| plan.team_of(fellow) == team));
        }
    }

    #[test]
    fn ten_bots_can_fill_two_sides_of_five() {
        let plan = Plan::new(10, 100, sample::content(), 1);
        let mut sizes = Vec::new();
        let mut index = 0;
        while index < 10 {
            let team = plan.team_of(index);
            sizes.push(team.len());
            index = team.end;
        }
        assert_eq!(sizes, [1, 2, 1, 1, 3, 1, 1], "1+1+3 and 2+1+1+1 make five each");
    }

    #[test]
    fn accounts_and_secrets_differ_between_bots_and_seeds_and_are_names_that_are_allowed() {
        let longest = account(u64::MAX, 1_000_000);
        assert_eq!(shared::msg::client::check_name(&longest), Ok(()));
        assert_ne!(secret(1, 2), secret(1, 3));
        assert_ne!(secret(1, 2), secret(2, 2));
        assert_eq!(secret(1, 2), secret(1, 2));
        assert_ne!(player(1, 2), player(1, 3));
    }
}
