//! How a battle comes to be: asked for, checked, its key acquired, its seats told.

use shared::core::Output;
use shared::ids::{Address, BattleId, Key};
use shared::msg::battle_gateway::BattleOutput;
use shared::msg::matchmaker_battle::{BotSeat, FromBattle, Seat};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::store::Record;
use shared::tick::Tick;

use super::super::battle::Battle;
use super::super::results::paid_in;
use super::super::setup::Setup;
use super::playing::RunningBattle;
use super::{BATTLES_MAX, BattleApp, Stage, send, tell};

/// A battle whose key is being acquired.
#[derive(Clone, Debug)]
pub(super) struct OpeningBattle {
    pub(super) battle: BattleId,
    pub(super) mode: String,
    pub(super) seed: u64,
    pub(super) seats: Vec<Seat>,
    pub(super) bots: Vec<BotSeat>,
    /// The matchmaker.
    pub(super) from: Address,
    /// The key is owned.
    pub(super) is_open: bool,
    /// When it begins even if not all cards have come.
    pub(super) cards_until: Tick,
}

impl BattleApp {
    /// Takes what the matchmaker asks for. A repetition is answered by how far the battle is.
    pub(super) fn start(
        &mut self,
        from: Address,
        wanted: OpeningBattle,
        outputs: &mut Vec<Output>,
    ) {
        let battle = wanted.battle;
        match self.battles.get_mut(&battle) {
            Some(Stage::Opening(opening)) => {
                opening.from = from;
                return;
            }
            Some(Stage::Running(running)) => {
                running.matchmaker = from;
                outputs.push(tell(from, FromBattle::Started { battle }));
                return;
            }
            Some(Stage::Ending(ending)) => {
                ending.matchmaker = from;
                outputs.push(tell(from, FromBattle::Started { battle }));
                return;
            }
            None => {}
        }
        if self.finished.contains(&battle) {
            outputs.push(tell(from, FromBattle::Ended { battle }));
            return;
        }
        match self.admit(&wanted) {
            Ok(()) => {
                self.battles.insert(battle, Stage::Opening(wanted));
                self.keeper.open(Key::Battle(battle), outputs);
            }
            Err(refusal) => self.refuse(from, battle, refusal, outputs),
        }
    }

    /// The key of a battle is owned: fight it, or finish what was begun before.
    pub(super) fn opened(
        &mut self,
        now: Tick,
        battle: BattleId,
        record: &Record,
        outputs: &mut Vec<Output>,
    ) {
        match self.battles.remove(&battle) {
            Some(Stage::Opening(opening)) if paid_in(&record.parts).is_some() => {
                self.forget_cards(&opening.seats, outputs);
                outputs.push(tell(opening.from, FromBattle::Ended { battle }));
                self.remember_finished(battle);
                self.keeper.release(Key::Battle(battle), outputs);
            }
            Some(Stage::Opening(opening)) => {
                let opening = OpeningBattle { is_open: true, ..opening };
                self.battles.insert(battle, Stage::Opening(opening));
                self.begin_complete(now, outputs);
            }
            Some(Stage::Ending(ending)) => {
                self.battles.insert(battle, Stage::Ending(ending));
                self.store_result(battle, paid_in(&record.parts), outputs);
            }
            Some(Stage::Running(running)) => {
                self.battles.insert(battle, Stage::Running(running));
            }
            None => self.keeper.release(Key::Battle(battle), outputs),
        }
    }

    pub(super) fn refuse(
        &mut self,
        to: Address,
        battle: BattleId,
        refusal: Refusal,
        outputs: &mut Vec<Output>,
    ) {
        tracing::warn!(%battle, %refusal, "battle refused");
        self.counters.refused += 1;
        outputs.push(tell(to, FromBattle::Refused { battle, refusal }));
    }

    fn admit(&self, wanted: &OpeningBattle) -> Result<(), Refusal> {
        if self.draining {
            let text = "this battleapp is being shut down";
            return Err(Refusal::new(RefusalCode::Draining, text));
        }
        if self.battles.len() >= BATTLES_MAX {
            let text = "this battleapp has all the battles it takes";
            return Err(Refusal::new(RefusalCode::Busy, text));
        }
        self.setup_of(wanted).map(|_| ())
    }

    fn setup_of(&self, wanted: &OpeningBattle) -> Result<Setup, Refusal> {
        let OpeningBattle { battle, mode, seed, seats, bots, .. } = wanted;
        let mode = self.modes.named(mode)?;
        Setup::with_bots(mode, &self.content, (*battle, *seed), seats, bots)
    }

    /// Begins the battles whose keys are owned and whose cards have come, or are late.
    pub(super) fn begin_complete(&mut self, now: Tick, outputs: &mut Vec<Output>) {
        let complete = |stage: &Stage| match stage {
            Stage::Opening(opening) => {
                opening.is_open && (now >= opening.cards_until || self.has_cards(&opening.seats))
            }
            Stage::Running(_) | Stage::Ending(_) => false,
        };
        let battles = self.battles.iter().filter(|(_, stage)| complete(stage));
        for battle in battles.map(|(battle, _)| *battle).collect::<Vec<_>>() {
            if let Some(Stage::Opening(mut opening)) = self.battles.remove(&battle) {
                self.take_cards(&mut opening.seats, outputs);
                self.begin(now, &opening, outputs);
            }
        }
    }

    fn begin(&mut self, now: Tick, opening: &OpeningBattle, outputs: &mut Vec<Output>) {
        let (id, matchmaker) = (opening.battle, opening.from);
        let begun = self.setup_of(opening).and_then(|setup| {
            Battle::new(self.modes, setup, &opening.seats, &self.build, self.salt)
                .ok_or_else(|| Refusal::new(RefusalCode::NotFound, "there is no such mode"))
        });
        let battle = match begun {
            Ok(battle) => battle,
            Err(refusal) => {
                self.keeper.release(Key::Battle(id), outputs);
                return self.refuse(matchmaker, id, refusal, outputs);
            }
        };
        let (players, bots) = (opening.seats.len(), opening.bots.len());
        tracing::info!(battle = %id, players, bots, "battle started");
        self.counters.started += 1;
        outputs.push(tell(matchmaker, FromBattle::Started { battle: id }));
        for (slot, seat) in (0..).zip(battle.seats()) {
            let start = battle.setup().start_for(slot);
            let session = seat.session.session;
            let seated = BattleOutput::Seated { session, start };
            outputs.push(send(seat.session.address(), seated));
        }
        let first = now.0 / self.stride * self.stride + self.stride + self.quietest_phase();
        let next_step = Tick(first);
        let running = RunningBattle { battle, matchmaker, next_step, slow_until: Tick(0) };
        self.battles.insert(id, Stage::Running(Box::new(running)));
    }

    /// The core tick within the stride of a battle in which the fewest seats are stepped: battles
    /// share the time evenly, and what they send does not come in bursts.
    fn quietest_phase(&self) -> u64 {
        let mut seats = vec![0; usize::try_from(self.stride).unwrap_or(1)];
        for stage in self.battles.values() {
            let Stage::Running(running) = stage else { continue };
            let phase = usize::try_from(running.next_step.0 % self.stride).unwrap_or(0);
            if let Some(there) = seats.get_mut(phase) {
                *there += running.battle.seats().len();
            }
        }
        (0..)
            .zip(&seats)
            .min_by_key(|(phase, there)| (**there, *phase))
            .map_or(0, |(phase, _)| phase)
    }
}
