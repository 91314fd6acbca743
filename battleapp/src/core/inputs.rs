//! What a fighter does in a tick: the commands of its player as they came, and a rule for when
//! none came in time.
//!
//! Commands wait here until their turn, one per battle tick, in the order of their numbers; in
//! which order they arrived makes no difference. When there is none, the fighter goes on walking
//! as before for a while and then stands still, see [`LateRule`]; an action is never repeated.

use std::collections::VecDeque;

use shared::msg::client::{Act, COMMANDS_MAX, Command, SKILLS};

use super::sim::Order;

/// What becomes of commands that come late or too fast. What a fighter does in the end is what is
/// recorded, so a replay does not need the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateRule {
    /// Ticks for which a fighter without commands walks on.
    pub walk_on_ticks: u32,
    /// Commands that wait for a fighter at most. Of more, the oldest are skipped: a client that
    /// runs too fast loses some, and its delay stays bounded.
    pub waiting_max: usize,
}

impl Default for LateRule {
    /// 250 ms of walking on, 400 ms of waiting.
    fn default() -> Self {
        Self { walk_on_ticks: 5, waiting_max: 8 }
    }
}

/// How far a command may be ahead of the last one that was applied. What is further is ignored.
pub const SEQUENCE_AHEAD_MAX: u32 = 64;

/// A datagram whose commands are not what a proper client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCommands;

/// The commands of one fighter.
#[derive(Clone, Debug, Default)]
pub struct InputBuffer {
    rule: LateRule,
    waiting: VecDeque<Command>,
    applied: u32,
    last_walk: (i8, i8),
    missed: u32,
}

impl InputBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(rule: LateRule) -> Self {
        Self { rule, ..Self::default() }
    }

    /// Takes the commands of a datagram, all or none.
    ///
    /// # Errors
    /// [`BadCommands`]: too many, not ascending, or out of range.
    pub fn take(&mut self, commands: &[Command]) -> Result<(), BadCommands> {
        let ascending = commands.windows(2).all(|pair| pair[0].sequence < pair[1].sequence);
        if commands.len() > COMMANDS_MAX || !ascending || !commands.iter().all(is_sound) {
            return Err(BadCommands);
        }
        for command in commands {
            self.insert(*command);
        }
        while self.waiting.len() > self.rule.waiting_max {
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// The order of the next tick.
    pub fn next_order(&mut self) -> Order {
        if let Some(command) = self.waiting.pop_front() {
            self.applied = command.sequence;
            self.last_walk = command.walk;
            self.missed = 0;
            return Order { walk: command.walk, act: command.act };
        }
        self.missed = self.missed.saturating_add(1);
        if self.missed > self.rule.walk_on_ticks {
            self.last_walk = (0, 0);
        }
        Order { walk: self.last_walk, act: Act::None }
    }

    /// The number of the last command that was applied, 0 for none.
    #[must_use]
    pub const fn applied(&self) -> u32 {
        self.applied
    }

    /// Forgets everything: the player is away, or comes back with a client that counts anew.
    pub fn clear(&mut self) {
        *self = Self::new(self.rule);
    }

    /// Drops the commands that wait: they were meant for another moment.
    pub fn skip(&mut self) {
        self.waiting.clear();
        self.last_walk = (0, 0);
    }

    fn insert(&mut self, command: Command) {
        let ahead = command.sequence.saturating_sub(self.applied);
        // A client that counts on after a long silence may be further ahead than the window; it
        // is followed once nothing older is waiting.
        let first = self.waiting.is_empty() && self.missed > self.rule.walk_on_ticks;
        if ahead == 0 || (ahead > SEQUENCE_AHEAD_MAX && !first) {
            return;
        }
        let at = self.waiting.partition_point(|other| other.sequence < command.sequence);
        if self.waiting.get(at).is_none_or(|other| other.sequence != command.sequence) {
            self.waiting.insert(at, command);
        }
    }
}

fn is_sound(command: &Command) -> bool {
    let is_direction = |(x, y): (i8, i8)| x != i8::MIN && y != i8::MIN;
    let is_aim = match command.act {
        Act::None => true,
        Act::Skill { skill, aim_mm: (x, y) } => skill < SKILLS && x != i16::MIN && y != i16::MIN,
    };
    command.sequence > 0 && is_direction(command.walk) && is_aim
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIKE: Act = Act::Skill { skill: 0, aim_mm: (0, 0) };

    fn walk(sequence: u32) -> Command {
        let step = i8::try_from(sequence % 100).expect("below 100");
        Command { sequence, walk: (step, 0), act: STRIKE }
    }

    fn orders(buffer: &mut InputBuffer, ticks: usize) -> Vec<(i8, bool)> {
        let mut next = || buffer.next_order();
        (0..ticks).map(|_| next()).map(|order| (order.walk.0, order.act == STRIKE)).collect()
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference() {
        let mut tidy = InputBuffer::default();
        tidy.take(&[walk(1), walk(2), walk(3)]).expect("sound");
        let mut mixed = InputBuffer::default();
        for datagram in [vec![walk(3)], vec![walk(1), walk(3)], vec![walk(2)]] {
            mixed.take(&datagram).expect("sound");
        }
        assert_eq!(orders(&mut tidy, 10), orders(&mut mixed, 10));
        assert_eq!((tidy.applied(), mixed.applied()), (3, 3));
    }

    #[test]
    fn a_fighter_without_commands_walks_on_for_a_while_but_does_not_act() {
        let mut buffer = InputBuffer::default();
        buffer.take(&[walk(1)]).expect("sound");
        let expected =
            [(1, true), (1, false), (1, false), (1, false), (1, false), (1, false), (0, false)];
        assert_eq!(orders(&mut buffer, 7), expected);
    }

    #[test]
    fn how_long_a_fighter_walks_on_is_a_matter_of_the_mode() {
        let mut buffer = InputBuffer::new(LateRule { walk_on_ticks: 1, waiting_max: 2 });
        buffer.take(&[walk(1), walk(2), walk(3)]).expect("sound");
        assert_eq!(orders(&mut buffer, 4), [(2, true), (3, true), (3, false), (0, false)]);
        buffer.take(&[walk(4), walk(5)]).expect("sound");
        buffer.skip();
        assert_eq!(orders(&mut buffer, 1), [(0, false)]);
        buffer.take(&[walk(6)]).expect("sound");
        assert_eq!(orders(&mut buffer, 1), [(6, true)]);
    }

    #[test]
    fn repeats_and_old_commands_are_ignored() {
        let mut buffer = InputBuffer::default();
        buffer.take(&[walk(1), walk(2)]).expect("sound");
        assert_eq!(orders(&mut buffer, 2), [(1, true), (2, true)]);
        buffer.take(&[walk(1), walk(2)]).expect("sound");
        assert_eq!(orders(&mut buffer, 1), [(2, false)]);
    }

    #[test]
    fn a_client_that_runs_ahead_loses_the_oldest_and_the_far_ones() {
        let mut buffer = InputBuffer::default();
        let many: Vec<_> = (1..=16).map(walk).collect();
        buffer.take(&many).expect("sound");
        assert_eq!(orders(&mut buffer, 1), [(9, true)]);
        buffer.take(&[walk(99)]).expect("sound but too far ahead");
        assert_eq!(buffer.waiting.back().map(|last| last.sequence), Some(16));
    }

    #[test]
    fn bad_commands_are_refused_as_a_whole() {
        let skill = |skill, aim_mm| {
            let act = Act::Skill { skill, aim_mm };
            Command { sequence: 1, walk: (0, 0), act }
        };
        let bad = [
            vec![walk(0)],
            vec![walk(2), walk(1)],
            vec![walk(1), walk(1)],
            (1..=17).map(walk).collect(),
            vec![Command { walk: (i8::MIN, 0), ..walk(1) }],
            vec![skill(4, (0, 0))],
            vec![skill(0, (0, i16::MIN))],
        ];
        for commands in bad {
            let mut buffer = InputBuffer::default();
            assert_eq!(buffer.take(&commands), Err(BadCommands), "{commands:?}");
            assert_eq!(buffer.next_order(), Order::STILL);
        }
    }
}
