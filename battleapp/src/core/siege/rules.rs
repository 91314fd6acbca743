//! The rules as a tick needs them: times in ticks, hit points with all players counted. Derived
//! from the setup.

use shared::content::{MONSTERS_MAX, Monster, SiegeRules, WAVES_MAX};
use shared::rng;

use super::super::setup::{
    DURATION_S_MAX, HALF_SIZE_MM_MAX, HP_MAX, RADIUS_MM_MAX, SPEED_MM_S_MAX, SeatSetup, Setup,
    WAIT_MS_MAX,
};

/// Monsters at a time. Of a wave that does not fit, the rest does not come.
pub const BEASTS_MAX: usize = 8_192;
/// Hit points of the keep or the boss at most, with all players counted.
pub(super) const HP_LIMIT: i32 = 100_000_000;

/// Purpose of the draws that choose where somebody enters.
const DRAW_ENTRY: u64 = 1;
const DRAW_EDGE: u64 = 2;
/// Draws for a place in the camp; then the camp's border is taken.
const ENTRY_TRIES: u64 = 8;

/// Everything that decides a siege besides the orders.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) seed: u64,
    pub(super) half: (i32, i32),
    pub(super) ticks_max: u32,
    pub(super) respawn_ticks: u32,
    pub(super) camp_mm: i32,
    pub(super) keep_radius_mm: i32,
    pub(super) keep_hp: i32,
    /// Kinds of monsters; the boss is the last.
    pub(super) kinds: Vec<Kind>,
    /// What comes when, the boss as the last.
    pub(super) waves: Vec<Arrival>,
    pub(super) area: Area,
    /// By slot.
    pub(super) kits: Vec<Kit>,
}

/// What a monster fights with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) id: u16,
    pub(super) hp: i32,
    /// What it covers in a tick.
    pub(super) stride_mm: i32,
    pub(super) radius_mm: i32,
    pub(super) damage: i32,
    pub(super) reach_mm: i32,
    pub(super) cooldown_ticks: u32,
    pub(super) sight_mm: i32,
}

/// Monsters that come in one tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) tick: u32,
    pub(super) kind: u8,
    pub(super) count: u32,
}

/// The boss's blow at all around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) damage: i32,
    pub(super) radius_mm: i32,
    pub(super) cooldown_ticks: u32,
}

/// What a player fights with: a strike at the nearest monster, and a shot at the first in its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kit {
    pub(super) hp_max: i32,
    pub(super) stride_mm: i32,
    pub(super) radius_mm: i32,
    pub(super) strike_damage: i32,
    pub(super) strike_reach_mm: i32,
    pub(super) shot_damage: i32,
    pub(super) shot_range_mm: i32,
    pub(super) shot_radius_mm: i32,
    /// Of the strike and of the shot.
    pub(super) cooldown_ticks: [u32; 2],
}

impl Rules {
    pub(super) fn new(setup: &Setup, siege: &SiegeRules) -> Self {
        let players = i64::try_from(setup.seats.len()).unwrap_or(i64::MAX);
        let with_players = |hp: i32, each: i32| {
            let sum = i64::from(each).saturating_mul(players).saturating_add(i64::from(hp));
            i32::try_from(sum).unwrap_or(i32::MAX).clamp(1, HP_LIMIT)
        };
        let mut kinds: Vec<Kind> =
            siege.monsters.iter().map(|monster| kind(setup, monster)).collect();
        let boss = &siege.boss;
        let boss_hp = with_players(boss.monster.hp, boss.hp_per_player);
        kinds.push(Kind { hp: boss_hp, ..kind(setup, &boss.monster) });
        let tick_of = |at_s: u32| at_s.saturating_mul(setup.hz).max(1);
        let mut waves = Vec::new();
        for wave in &siege.waves {
            let found = siege.monsters.iter().position(|monster| monster.id == wave.monster);
            let Some(kind) = found.and_then(|kind| u8::try_from(kind).ok()) else { continue };
            let count = i64::from(wave.per_100_players).saturating_mul(players) / 100;
            let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
            waves.push(Arrival { tick: tick_of(wave.at_s), kind, count });
        }
        let last = u8::try_from(kinds.len() - 1).unwrap_or(u8::MAX);
        waves.push(Arrival { tick: tick_of(boss.at_s), kind: last, count: 1 });
        Self {
            seed: setup.seed,
            half: (siege.half_width_mm, siege.half_height_mm),
            ticks_max: setup.ticks_max(),
            respawn_ticks: setup.ticks_of_ms(siege.respawn_ms),
            camp_mm: siege.camp_mm,
            keep_radius_mm: siege.keep.radius_mm,
            keep_hp: with_players(siege.keep.hp, siege.keep.hp_per_player),
            kinds,
            waves,
            area: Area {
                damage: boss.area_damage,
                radius_mm: boss.area_radius_mm,
                cooldown_ticks: setup.ticks_of_ms(boss.area_cooldown_ms),
            },
            kits: setup.seats.iter().map(|seat| Kit::of(setup, seat)).collect(),
        }
    }

    /// The kind of a monster.
    pub(super) fn kind(&self, kind: u8) -> Kind {
        let last = self.kinds.len() - 1;
        self.kinds[usize::from(kind).min(last)]
    }

    /// Whether this is the boss's kind.
    pub(super) fn is_boss(&self, kind: u8) -> bool {
        usize::from(kind) + 1 == self.kinds.len()
    }

    /// Where the player in `slot` enters in `tick`: somewhere around the keep.
    pub(super) fn entry(&self, tick: u32, slot: u32) -> (i32, i32) {
        let camp = (self.camp_mm.min(self.half.0), self.camp_mm.min(self.half.1));
        let draw = |reach: i32, words: &[u64]| {
            let width = u64::from(reach.unsigned_abs()) * 2 + 1;
            i32::try_from(rng::below(width, self.seed, words)).unwrap_or(0) - reach
        };
        let tries = (0..ENTRY_TRIES).map(|n| {
            let words = |axis| [u64::from(tick), u64::from(slot), DRAW_ENTRY, n, axis];
            (draw(camp.0, &words(0)), draw(camp.1, &words(1)))
        });
        let free = |at: &(i32, i32)| at.0.abs().max(at.1.abs()) > self.keep_radius_mm;
        tries.into_iter().find(free).unwrap_or((camp.0, 0))
    }

    /// Where a monster comes from: somewhere on the border of the map.
    pub(super) fn border(&self, tick: u32, id: u32) -> (i32, i32) {
        let words = |what| [u64::from(tick), u64::from(id), DRAW_EDGE, what];
        let along = |half: i32| {
            let width = u64::from(half.unsigned_abs()) * 2 + 1;
            i32::try_from(rng::below(width, self.seed, &words(1))).unwrap_or(0) - half
        };
        match rng::below(4, self.seed, &words(0)) {
            0 => (-self.half.0, along(self.half.1)),
            1 => (self.half.0, along(self.half.1)),
            2 => (along(self.half.0), -self.half.1),
            _ => (along(self.half.0), self.half.1),
        }
    }
}

impl Kit {
    fn of(setup: &Setup, seat: &SeatSetup) -> Self {
        // The setup has been checked: every seat's hero is there.
        let hero = setup.hero(seat.hero).unwrap_or(&setup.heroes[0]);
        // Of the hero's skills a siege has the first two: what it strikes and what it shoots with.
        let (strike, shot) = (&hero.skills[0], &hero.skills[1]);
        let damage = |base: i32| base.saturating_add(seat.bonus_damage).clamp(0, HP_MAX);
        Self {
            hp_max: hero.hp.saturating_add(seat.bonus_hp).clamp(1, HP_MAX),
            stride_mm: stride(setup, hero.speed_mm_s),
            radius_mm: hero.radius_mm,
            strike_damage: damage(strike.damage()),
            strike_reach_mm: strike.delivery.range_mm().min(RADIUS_MM_MAX),
            shot_damage: damage(shot.damage()),
            shot_range_mm: shot.delivery.range_mm(),
            shot_radius_mm: shot.delivery.radius_mm(),
            cooldown_ticks: [strike.cooldown_ms, shot.cooldown_ms].map(|ms| setup.ticks_of_ms(ms)),
        }
    }
}

fn kind(setup: &Setup, monster: &Monster) -> Kind {
    Kind {
        id: monster.id,
        hp: monster.hp,
        stride_mm: stride(setup, monster.speed_mm_s),
        radius_mm: monster.radius_mm,
        damage: monster.damage,
        reach_mm: monster.reach_mm,
        cooldown_ticks: setup.ticks_of_ms(monster.cooldown_ms),
        sight_mm: monster.sight_mm,
    }
}

fn stride(setup: &Setup, speed_mm_s: i32) -> i32 {
    speed_mm_s / i32::try_from(setup.hz).unwrap_or(1).max(1)
}

/// Whether all numbers are in range: whoever made the rules, no tick overflows.
#[must_use]
pub fn is_sound(rules: &SiegeRules) -> bool {
    let half = 1_000..=HALF_SIZE_MM_MAX;
    let hp = 1..=HP_MAX;
    let is_monster = |monster: &Monster| {
        hp.contains(&monster.hp)
            && (0..=SPEED_MM_S_MAX).contains(&monster.speed_mm_s)
            && (1..=RADIUS_MM_MAX).contains(&monster.radius_mm)
            && (0..=HP_MAX).contains(&monster.damage)
            && (0..=RADIUS_MM_MAX).contains(&monster.reach_mm)
            && (0..=HALF_SIZE_MM_MAX).contains(&monster.sight_mm)
            && monster.cooldown_ms <= WAIT_MS_MAX
    };
    let boss = &rules.boss;
    half.contains(&rules.half_width_mm)
        && half.contains(&rules.half_height_mm)
        && (1..=DURATION_S_MAX).contains(&rules.duration_s)
        && rules.respawn_ms <= WAIT_MS_MAX
        && (1..=HALF_SIZE_MM_MAX).contains(&rules.camp_mm)
        && (1..=RADIUS_MM_MAX).contains(&rules.keep.radius_mm)
        && hp.contains(&rules.keep.hp)
        && (0..=HP_MAX).contains(&rules.keep.hp_per_player)
        && (1..=MONSTERS_MAX).contains(&rules.monsters.len())
        && rules.monsters.iter().all(is_monster)
        && rules.waves.len() <= WAVES_MAX
        && is_monster(&boss.monster)
        && (0..=HP_MAX).contains(&boss.hp_per_player)
        && (0..=HP_MAX).contains(&boss.area_damage)
        && (0..=HALF_SIZE_MM_MAX).contains(&boss.area_radius_mm)
        && boss.area_cooldown_ms <= WAIT_MS_MAX
}
