//! One battle of a bot: it walks to the nearest enemy, shoots in range, strikes in reach, and
//! sidesteps now and then. Integers only, so that the same snapshots give the same commands.

use std::collections::{BTreeMap, VecDeque};

use shared::content::{Content, Delivery, Hero, Skill};
use shared::ids::BattleId;
use shared::msg::client::{Act, BattleStart, COMMANDS_MAX, ClientDatagram, Command};
use shared::msg::snapshot::{FighterView, Snapshot};
use shared::rng;

/// Milliseconds between two commands: battles run at 20 Hz.
pub(crate) const STEP_MS: u64 = 50;
/// After this long without a snapshot the bot gives the battle up as lost.
const SILENCE_MS: u64 = 15_000;
/// A bot that comes later than this does not catch up: only the newest intent counts.
const LATE_MS: u64 = 4 * STEP_MS;
/// Commands between two decisions to sidestep.
const DODGE_STEPS: u32 = 8;
/// Length of a full walk or shot vector in one direction.
const FULL: i64 = 127;

/// A battle under way.
#[derive(Clone, Debug)]
pub(crate) struct Fight {
    battle: BattleId,
    slot: u16,
    seed: u64,
    sides: BTreeMap<u16, u8>,
    hero: Option<Hero>,
    seen: Option<Snapshot>,
    sequence: u32,
    /// Commands that no snapshot has acknowledged, oldest first; at most [`COMMANDS_MAX`].
    unseen: VecDeque<Command>,
    next_ms: u64,
    heard_ms: u64,
}

impl Fight {
    /// The battle that `start` announces.
    pub(crate) fn new(start: &BattleStart, seed: u64, content: &Content, now_ms: u64) -> Self {
        let own = start.fighters.iter().find(|line| line.slot == start.slot);
        Self {
            battle: start.battle,
            slot: start.slot,
            seed,
            sides: start.fighters.iter().map(|line| (line.slot, line.side)).collect(),
            hero: own.and_then(|line| content.heroes.get(&line.hero)).cloned(),
            seen: None,
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
        if self.seen.as_ref().is_some_and(|seen| seen.tick >= snapshot.tick) {
            return;
        }
        if let Some(own) = snapshot.get::<FighterView>(self.slot) {
            self.unseen.retain(|command| command.sequence > own.sequence);
            // After a reconnect the servers know a later command than this program does.
            self.sequence = self.sequence.max(own.sequence);
        }
        self.seen = Some(snapshot.clone());
    }

    /// The datagram that is due, if one is: a new command and all that were not acknowledged.
    /// At [`COMMANDS_MAX`] of them no new one is made until a snapshot acknowledges some.
    pub(crate) fn step(&mut self, now_ms: u64) -> Option<ClientDatagram> {
        if now_ms < self.next_ms {
            return None;
        }
        let late = now_ms - self.next_ms > LATE_MS;
        self.next_ms = if late { now_ms } else { self.next_ms } + STEP_MS;
        let seen_tick = self.seen.as_ref()?.tick;
        if self.unseen.len() < COMMANDS_MAX {
            self.sequence += 1;
            let (walk, act) = self.intent();
            self.unseen.push_back(Command { sequence: self.sequence, walk, act });
        }
        let commands = self.unseen.iter().copied().collect();
        Some(ClientDatagram { battle: self.battle, seen_tick, commands })
    }

    fn intent(&self) -> ((i8, i8), Act) {
        let rest = ((0, 0), Act::None);
        let (Some(seen), Some(hero)) = (&self.seen, &self.hero) else { return rest };
        let alive = |fighter: &FighterView| !fighter.is_dead();
        let Some(own) = seen.get::<FighterView>(self.slot).filter(alive) else { return rest };
        let side = self.sides.get(&self.slot);
        let fighters = seen.all::<FighterView>();
        let enemies = fighters.filter(|f| self.sides.get(&f.slot) != side && !f.is_dead());
        let Some(enemy) = enemies.min_by_key(|enemy| (distance_mm(&own, enemy), enemy.slot)) else {
            return (self.dodge((0, 0)), Act::None);
        };
        let towards = scaled(offset_mm(&own, &enemy));
        let far_mm = distance_mm(&own, &enemy);
        // Bodies have about the same size; from edge to edge it is two radii less.
        let gap_mm = far_mm.saturating_sub(2 * i64::from(hero.radius_mm).max(0));
        let reaches = |skill: &Skill| match skill.delivery {
            Delivery::Own | Delivery::Ally { .. } => own.hp_permille < 700,
            Delivery::Melee { reach_mm } => gap_mm <= i64::from(reach_mm),
            Delivery::Area { range_mm, radius_mm, .. } => {
                far_mm <= i64::from(range_mm) + i64::from(radius_mm)
            }
            Delivery::Projectile { range_mm, .. } | Delivery::Dash { range_mm, .. } => {
                far_mm <= i64::from(range_mm)
            }
        };
        let skills = (0u8..).zip(&hero.skills);
        let mut usable = skills.filter(|(number, skill)| {
            own.is_ready(usize::from(*number), seen.tick + 1) && reaches(skill)
        });
        let act = usable
            .next()
            .map_or(Act::None, |(skill, _)| Act::Skill { skill, aim_mm: aim(&own, &enemy) });
        (self.dodge(towards), act)
    }

    /// The direction to walk, turned aside in some stretches of [`DODGE_STEPS`] commands.
    fn dodge(&self, towards: (i8, i8)) -> (i8, i8) {
        let stretch = u64::from(self.sequence / DODGE_STEPS);
        let words = [self.battle.0, u64::from(self.slot), stretch];
        match rng::below(6, self.seed, &words) {
            0 => (towards.1, towards.0.saturating_neg()),
            1 => (towards.1.saturating_neg(), towards.0),
            _ => towards,
        }
    }
}

fn offset_mm(from: &FighterView, to: &FighterView) -> (i64, i64) {
    (i64::from(to.x_mm) - i64::from(from.x_mm), i64::from(to.y_mm) - i64::from(from.y_mm))
}

fn distance_mm(from: &FighterView, to: &FighterView) -> i64 {
    let (x, y) = offset_mm(from, to);
    x.saturating_mul(x).saturating_add(y.saturating_mul(y)).isqrt()
}

/// A vector of the same direction and full length; (0, 0) stays.
fn scaled((x, y): (i64, i64)) -> (i8, i8) {
    let length = (x * x + y * y).isqrt();
    let scale = |part: i64| {
        let scaled = part.saturating_mul(FULL).checked_div(length).unwrap_or(0);
        i8::try_from(scaled.clamp(-FULL, FULL)).unwrap_or(0)
    };
    (scale(x), scale(y))
}

fn aim(from: &FighterView, at: &FighterView) -> (i16, i16) {
    let (x, y) = offset_mm(from, at);
    let narrow = |part: i64| {
        i16::try_from(part.clamp(-i64::from(i16::MAX), i64::from(i16::MAX))).unwrap_or(0)
    };
    (narrow(x), narrow(y))
}

#[cfg(test)]
mod tests {
    use shared::msg::client::FighterLine;
    use shared::msg::snapshot::View;

    use super::*;
    use crate::bot::sample;

    fn fight() -> Fight {
        let line = |slot, side| FighterLine { slot, side, hero: 1, name: String::from("bot") };
        let start = BattleStart {
            battle: BattleId(9),
            slot: 0,
            fighters: vec![line(0, 0), line(1, 0), line(2, 1), line(3, 1)],
            half_size_mm: (12_000, 8_000),
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

    fn acts(enemies: [(i32, i32); 2]) -> Act {
        let mut fight = fight();
        fight.see(1_000, &snapshot(1, 0, enemies));
        fight.step(1_000).expect("a command is due").commands[0].act
    }

    #[test]
    fn the_nearest_enemy_decides_between_striking_shooting_and_walking() {
        let skill = |skill, aim_mm| Act::Skill { skill, aim_mm };
        assert_eq!(acts([(1_500, 0), (0, 5_000)]), skill(0, (1_500, 0)));
        assert_eq!(acts([(9_000, 0), (0, 5_000)]), skill(1, (0, 5_000)));
        assert_eq!(acts([(-6_000, 0), (0, 7_000)]), skill(1, (-6_000, 0)));
        assert_eq!(acts([(9_000, 0), (0, 9_000)]), Act::None);
    }

    #[test]
    fn skills_that_recharge_and_fighters_that_are_dead_do_nothing() {
        let mut fight = fight();
        let mut seen = snapshot(1, 0, [(1_500, 0), (9_000, 0)]);
        let own: FighterView = seen.get(0).expect("it is there");
        seen.rows[0] = FighterView { ready: [50, 0, 0, 0], ..own }.to_row(1);
        fight.see(1_000, &seen);
        let datagram = fight.step(1_000).expect("due");
        assert_eq!(datagram.commands[0].act, Act::Skill { skill: 1, aim_mm: (1_500, 0) });
        seen.tick = 2;
        seen.rows[0] = FighterView { hp_permille: 0, ..own }.to_row(1);
        fight.see(1_050, &seen);
        let datagram = fight.step(1_050).expect("due");
        let last = datagram.commands.last().expect("one is new");
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
        assert_eq!(fight.seen.as_ref().map(|seen| seen.tick), Some(5));
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
