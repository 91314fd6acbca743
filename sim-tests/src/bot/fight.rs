//! One battle of a bot: a pilot like those of the servers' bots decides from the snapshots what
//! its client commands. The same snapshots give the same commands.

use std::collections::VecDeque;

use battleapp::core::ground::PathScratch;
use battleapp::core::pilots::{Field, Pilot};
use battleapp::core::sim::Order;
use shared::content::{Content, Map, Strength, Terrain};
use shared::ids::BattleId;
use shared::msg::client::{BattleStart, COMMANDS_MAX, ClientDatagram, Command};
use shared::msg::snapshot::{FighterView, Snapshot};
use shared::rng;

/// Milliseconds between two commands: battles run at 20 Hz.
pub(crate) const STEP_MS: u64 = 50;
const HZ: u32 = 20;
const _: () = assert!(HZ as u64 * STEP_MS == 1_000);
/// Purpose of the draw that says how well a bot fights.
const DRAW_STRENGTH: u64 = 0x66_6967_6874;
/// After this long without a snapshot the bot gives the battle up as lost.
const SILENCE_MS: u64 = 15_000;
/// A bot that comes later than this does not catch up: only the newest intent counts.
const LATE_MS: u64 = 4 * STEP_MS;
/// A battle under way.
#[derive(Clone, Debug)]
pub(crate) struct Fight {
    battle: BattleId,
    slot: u16,
    field: Field,
    pilot: Pilot,
    scratch: PathScratch,
    /// The tick of the newest snapshot.
    seen_tick: Option<u32>,
    sequence: u32,
    /// Commands that no snapshot has acknowledged, oldest first; at most [`COMMANDS_MAX`].
    unseen: VecDeque<Command>,
    next_ms: u64,
    heard_ms: u64,
}

impl Fight {
    /// The battle that `start` announces.
    pub(crate) fn new(start: &BattleStart, seed: u64, content: &Content, now_ms: u64) -> Self {
        let heroes = start
            .fighters
            .iter()
            .filter_map(|line| Some((line.slot, line.side, content.heroes.get(&line.hero)?)));
        let known = content.maps.values().find(|map| ***map == *start.map).cloned();
        let terrain = known.unwrap_or_else(|| Terrain::from(Map::clone(&start.map)));
        let field = Field::new(&terrain, heroes, HZ, seed);
        // Every program has a player of its own strength.
        let drawn = rng::below(Strength::ALL.len() as u64, seed, &[DRAW_STRENGTH]);
        let strength = usize::try_from(drawn).ok().and_then(|n| Strength::ALL.get(n).copied());
        let pilot = Pilot::new(&field, start.slot, strength.unwrap_or(Strength::Regular));
        Self {
            battle: start.battle,
            slot: start.slot,
            field,
            pilot,
            scratch: PathScratch::default(),
            seen_tick: None,
            sequence: 0,
            unseen: VecDeque::new(),
            next_ms: now_ms,
            heard_ms: now_ms,
        }
    }

    pub(crate) const fn battle(&self) -> BattleId {
        self.battle
    }

    /// When the next command is due.
    pub(crate) const fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// Whether nothing has been heard of the battle for too long.
    pub(crate) const fn is_silent(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.heard_ms) > SILENCE_MS
    }

    /// Takes a snapshot; older ones than the newest are ignored.
    pub(crate) fn see(&mut self, now_ms: u64, snapshot: &Snapshot) {
        self.heard_ms = now_ms;
        if self.seen_tick.is_some_and(|tick| tick >= snapshot.tick) {
            return;
        }
        if let Some(own) = snapshot.get::<FighterView>(self.slot) {
            self.unseen.retain(|command| command.sequence > own.sequence);
            // After a reconnect the servers know a later command than this program does.
            self.sequence = self.sequence.max(own.sequence);
        }
        self.seen_tick = Some(snapshot.tick);
        if self.pilot.is_due(snapshot.tick) {
            self.pilot.look(&self.field, snapshot, &mut self.scratch);
        }
    }

    /// The datagram that is due, if one is: a new command and all that were not acknowledged.
    /// At [`COMMANDS_MAX`] of them no new one is made until a snapshot acknowledges some.
    pub(crate) fn step(&mut self, now_ms: u64) -> Option<ClientDatagram> {
        if now_ms < self.next_ms {
            return None;
        }
        let late = now_ms - self.next_ms > LATE_MS;
        self.next_ms = if late { now_ms } else { self.next_ms } + STEP_MS;
        let seen_tick = self.seen_tick?;
        if self.unseen.len() < COMMANDS_MAX {
            self.sequence += 1;
            let Order { walk, act } = self.pilot.order(seen_tick);
            self.unseen.push_back(Command { sequence: self.sequence, walk, act });
        }
        let commands = self.unseen.iter().copied().collect();
        Some(ClientDatagram { battle: self.battle, seen_tick, commands })
    }
}

#[cfg(test)]
mod tests {
    use shared::msg::client::{Act, FighterLine};
    use shared::msg::snapshot::View;

    use super::*;
    use crate::bot::sample;

    fn fight() -> Fight {
        let line = |slot, side| FighterLine { slot, side, hero: 1, name: String::from("bot") };
        let start = BattleStart {
            battle: BattleId(9),
            slot: 0,
            fighters: vec![line(0, 0), line(1, 0), line(2, 1), line(3, 1)],
            map: Map { half_width_mm: 12_000, half_height_mm: 8_000, ..Map::default() }.into(),
            ticks_max: 1200,
        };
        Fight::new(&start, 1, &sample::content(), 1_000)
    }

    fn snapshot(tick: u32, sequence: u32, enemies: [(i32, i32); 2]) -> Snapshot {
        let hp_permille = 1_000;
        let at =
            |slot, (x_mm, y_mm)| FighterView { slot, x_mm, y_mm, hp_permille, ..<_>::default() };
        let own = FighterView { sequence, ..at(0, (0, 0)) };
        let mut seen = Snapshot { tick, unit_mm: 1, ..Snapshot::default() };
        for fighter in [own, at(1, (100, 0)), at(2, enemies[0]), at(3, enemies[1])] {
            seen.put(&fighter);
        }
        seen
    }

    #[test]
    fn a_bot_commands_what_its_pilot_decides_and_rests_when_it_is_dead() {
        let mut fight = fight();
        let mut now_ms = 1_000;
        let mut commands = Vec::new();
        for tick in 1..100 {
            let mut seen = snapshot(tick, tick, [(1_500, 0), (0, 5_000)]);
            if tick > 60 {
                let own: FighterView = seen.get(0).expect("it is there");
                seen.rows[0] = FighterView { hp_permille: 0, ..own }.to_row(1);
            }
            fight.see(now_ms, &seen);
            commands.extend(fight.step(now_ms).expect("due").commands);
            now_ms += STEP_MS;
        }
        let acts = commands.iter().filter(|command| command.act != Act::None);
        assert!(acts.count() > 0, "enemies are near");
        let last = commands.last().expect("there are many");
        assert_eq!((last.walk, last.act), ((0, 0), Act::None));
    }

    #[test]
    fn every_datagram_carries_all_that_was_not_acknowledged_up_to_the_limit() {
        let mut fight = fight();
        assert_eq!(fight.step(1_000), None, "nothing was seen yet");
        fight.see(1_000, &snapshot(1, 0, [(5_000, 0); 2]));
        let mut now_ms = 1_050;
        let mut sent = Vec::new();
        for _ in 0..30 {
            let datagram = fight.step(now_ms).expect("due every 50 ms");
            sent = datagram.commands.iter().map(|command| command.sequence).collect();
            now_ms += STEP_MS;
        }
        assert_eq!(sent, (1..=16).collect::<Vec<_>>());
        fight.see(now_ms, &snapshot(20, 15, [(5_000, 0); 2]));
        let datagram = fight.step(now_ms).expect("due");
        let sent: Vec<_> = datagram.commands.iter().map(|command| command.sequence).collect();
        assert_eq!((sent, datagram.seen_tick), (vec![16, 17], 20));
    }

    #[test]
    fn after_a_reconnect_commands_go_on_where_the_servers_are() {
        let mut fight = fight();
        fight.see(1_000, &snapshot(70, 41, [(5_000, 0); 2]));
        assert_eq!(fight.step(1_000).expect("due").commands[0].sequence, 42);
    }

    #[test]
    fn an_older_snapshot_changes_nothing_and_silence_is_noticed() {
        let mut fight = fight();
        fight.see(1_000, &snapshot(5, 0, [(5_000, 0); 2]));
        fight.see(1_010, &snapshot(4, 0, [(1_000, 0); 2]));
        assert_eq!(fight.seen_tick, Some(5));
        assert!(!fight.is_silent(1_010 + SILENCE_MS) && fight.is_silent(1_011 + SILENCE_MS));
    }

    #[test]
    fn a_late_bot_does_not_catch_up_with_a_burst() {
        let mut fight = fight();
        fight.see(9_000, &snapshot(5, 0, [(5_000, 0); 2]));
        assert!(fight.step(9_000).is_some());
        assert_eq!(fight.step(9_001), None);
    }
}
