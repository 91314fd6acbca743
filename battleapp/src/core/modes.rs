//! The modes there are. A program of its own hands the battleapp a table of its own.

use shared::msg::refusal::{Refusal, RefusalCode};

use super::arena::Arena;
use super::duel::Duel;
use super::setup::Setup;
use super::sim::BattleSim;

/// A kind of battle.
pub trait Mode: Sync {
    /// What queues and replays call it.
    fn name(&self) -> &'static str;
    /// Whether the mode can be fought from a setup whose numbers are in range.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    fn check(&self, _setup: &Setup) -> Result<(), Refusal> {
        Ok(())
    }
    /// The battle at its beginning. The setup has been checked.
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim>;
}

/// A table of modes.
#[derive(Clone, Copy)]
pub struct Modes(pub &'static [&'static dyn Mode]);

impl Modes {
    /// The modes of this repository.
    pub const BUILTIN: Self = Self(&[&ArenaMode, &DuelMode]);

    /// Whether a battle can be fought from `setup`: there is such a mode, and it agrees.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    pub fn check(self, setup: &Setup) -> Result<(), Refusal> {
        self.find(setup)
            .ok_or_else(|| {
                let text = format!("there is no mode {}", setup.mode);
                Refusal::new(RefusalCode::NotFound, text)
            })?
            .check(setup)
    }

    /// A new battle; `None` if it cannot be fought here, see [`Modes::check`].
    #[must_use]
    pub fn create(self, setup: &Setup) -> Option<Box<dyn BattleSim>> {
        let mode = self.find(setup).filter(|mode| mode.check(setup).is_ok())?;
        Some(mode.create(setup))
    }

    fn find(self, setup: &Setup) -> Option<&'static dyn Mode> {
        self.0.iter().copied().find(|mode| mode.name() == setup.mode)
    }
}

struct ArenaMode;

impl Mode for ArenaMode {
    fn name(&self) -> &'static str {
        "arena"
    }
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim> {
        Box::new(Arena::new(setup))
    }
}

struct DuelMode;

impl Mode for DuelMode {
    fn name(&self) -> &'static str {
        "duel"
    }
    fn check(&self, setup: &Setup) -> Result<(), Refusal> {
        if setup.seats.len() == 2 {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::BadAmount, "a duel has two fighters"))
    }
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim> {
        Box::new(Duel::new(setup))
    }
}
