//! The modes there are. A program of its own hands the battleapp a table of its own.

use shared::content::Content;
use shared::limits::{ARENA_SIDE_FIGHTERS, SIEGE_PLAYERS_MAX};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::rng;

use super::arena::Arena;
use super::duel::Duel;
use super::inputs::LateRule;
use super::setup::{ArenaSetup, ModeRules, Setup};
use super::siege::{Siege, rules_of};
use super::sim::BattleSim;

/// Purpose of the draw that chooses the map.
const DRAW_MAP: u64 = 2;

/// A kind of battle.
pub trait Mode: Sync {
    /// What queues and replays call it.
    fn name(&self) -> &'static str;
    /// The rules that a new battle is fought by.
    ///
    /// # Errors
    /// A refusal that names what the content lacks.
    fn rules(&self, content: &Content, seed: u64) -> Result<ModeRules, Refusal> {
        let rules = content.arena.clone();
        let maps = u64::try_from(rules.maps.len()).unwrap_or(0);
        let drawn = usize::try_from(rng::below(maps, seed, &[DRAW_MAP])).unwrap_or(0);
        let map = rules.maps.get(drawn).and_then(|name| content.maps.get(name));
        let map = map.ok_or_else(|| {
            Refusal::new(RefusalCode::NotFound, "the arena has no map of that name")
        })?;
        Ok(ModeRules::Arena(ArenaSetup { map: map.clone(), rules }))
    }
    /// Version of the rules that are code. Raise it when the same setup and orders no longer lead
    /// to the same states: replays of other versions are refused by name instead of diverging.
    fn version(&self) -> u32 {
        1
    }
    /// How long a battle stands still, in all, for a side that everybody has left, in ms. With
    /// zero it goes on without them.
    fn pause_ms(&self) -> u32 {
        0
    }
    /// What becomes of commands that come late or too fast.
    fn late_rule(&self) -> LateRule {
        LateRule::default()
    }
    /// Whether the mode can be fought from a setup whose numbers are in range: its seats, and
    /// that the rules are of its kind.
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
    pub const BUILTIN: Self = Self(&[&ArenaMode, &DuelMode, &SiegeMode]);

    /// Whether a battle can be fought from `setup`: there is such a mode, and it agrees.
    ///
    /// # Errors
    /// A refusal that names what does not fit.
    pub fn check(self, setup: &Setup) -> Result<(), Refusal> {
        self.named(&setup.mode)?.check(setup)
    }

    /// The mode of a name.
    ///
    /// # Errors
    /// A refusal if there is none.
    pub fn named(self, name: &str) -> Result<&'static dyn Mode, Refusal> {
        self.0
            .iter()
            .copied()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Refusal::new(RefusalCode::NotFound, format!("there is no mode {name}")))
    }

    /// A new battle; `None` if it cannot be fought here, see [`Modes::check`].
    #[must_use]
    pub fn create(self, setup: &Setup) -> Option<Box<dyn BattleSim>> {
        let mode = self.named(&setup.mode).ok().filter(|mode| mode.check(setup).is_ok())?;
        Some(mode.create(setup))
    }

    /// [`Mode::version`] of the mode that `setup` names; `None` if there is no such mode.
    #[must_use]
    pub fn version(self, setup: &Setup) -> Option<u32> {
        self.named(&setup.mode).ok().map(Mode::version)
    }
}

struct ArenaMode;

impl Mode for ArenaMode {
    fn name(&self) -> &'static str {
        "arena"
    }
    fn check(&self, setup: &Setup) -> Result<(), Refusal> {
        let side = 1..=ARENA_SIDE_FIGHTERS;
        let sides_fit = (0..=1).all(|it| side.contains(&setup.fighters_of(it)));
        if sides_fit && matches!(setup.rules, ModeRules::Arena(_)) {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::BadAmount, "a side has too few or too many fighters"))
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
    fn pause_ms(&self) -> u32 {
        10_000
    }
    fn check(&self, setup: &Setup) -> Result<(), Refusal> {
        let one_each = (0..=1).all(|side| setup.fighters_of(side) == 1);
        if one_each && matches!(setup.rules, ModeRules::Arena(_)) {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::BadAmount, "a duel has one fighter on each side"))
    }
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim> {
        Box::new(Duel::new(setup))
    }
}

struct SiegeMode;

impl Mode for SiegeMode {
    fn name(&self) -> &'static str {
        "siege"
    }
    fn rules(&self, content: &Content, _seed: u64) -> Result<ModeRules, Refusal> {
        Ok(ModeRules::Siege(content.siege.clone()))
    }
    fn check(&self, setup: &Setup) -> Result<(), Refusal> {
        let players = setup.fighters_of(0);
        let is_full = players == setup.seats.len() && players <= usize::from(SIEGE_PLAYERS_MAX);
        if is_full && rules_of(setup).is_some() {
            return Ok(());
        }
        let most = SIEGE_PLAYERS_MAX;
        let text = format!("a siege has one side of at most {most} players, and rules of its own");
        Err(Refusal::new(RefusalCode::BadAmount, text))
    }
    fn create(&self, setup: &Setup) -> Box<dyn BattleSim> {
        let rules = rules_of(setup).expect("a setup that was checked has rules of a siege");
        Box::new(Siege::new(setup, rules))
    }
}

#[cfg(test)]
mod tests {
    use shared::content::MODES;

    use super::*;

    #[test]
    fn queues_may_name_the_modes_that_there_are() {
        let names: Vec<_> = Modes::BUILTIN.0.iter().map(|mode| mode.name()).collect();
        assert_eq!(names, MODES);
    }
}
