//! The battles whose time has come are steps that know nothing of each other: whoever runs them,
//! on whatever threads, their results are taken in the order of the battles' ids.

use shared::ids::{BattleId, NodeId};
use shared::msg::battle_gateway::BattleOutput;

use super::super::battle::{Battle, Stepped};

/// Runs steps of battles. The core waits until all are done, so it stays one thread to everybody
/// else; which threads step which battle makes no difference to what comes out.
pub trait Workers: Send {
    /// Runs every job once, in any order, side by side if it likes.
    fn run(&mut self, jobs: &mut [Job<'_>]);
}

/// The step of one battle.
pub struct Job<'a> {
    id: BattleId,
    battle: &'a mut Battle,
    told: Vec<(NodeId, BattleOutput)>,
    stepped: Option<Stepped>,
}

/// Runs all steps in the caller's thread, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Workers for Inline {
    fn run(&mut self, jobs: &mut [Job<'_>]) {
        jobs.iter_mut().for_each(Job::run);
    }
}

impl<'a> Job<'a> {
    pub(super) const fn new(id: BattleId, battle: &'a mut Battle) -> Self {
        Self { id, battle, told: Vec::new(), stepped: None }
    }

    /// Steps the battle, if it has not been stepped yet. A battle that panics is caught in it.
    pub fn run(&mut self) {
        if self.stepped.is_none() {
            self.stepped = Some(self.battle.step(&mut self.told));
        }
    }

    /// About how much there is to do: the seats.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.battle.seats().len()
    }

    /// What the step has come to, and what is to be sent; a job that nobody ran is run now.
    pub(super) fn finish(mut self) -> (BattleId, Stepped, Vec<(NodeId, BattleOutput)>) {
        self.run();
        (self.id, self.stepped.unwrap_or(Stepped::Fault), self.told)
    }
}
