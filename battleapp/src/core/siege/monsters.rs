//! What monsters do: they come in waves, go after players they see, or after the keep.

use super::super::grid::square_between;
use super::super::sim::Order;
use super::Siege;
use super::field::{Field, Standing, index};
use super::rules::{BEASTS_MAX, Kind, Rules};
use super::state::{Beast, Clock, LAST_BEAST_ID, NextBeast};

/// Ticks between two looks of a monster around it. Each looks in its own tick.
const LOOK_TICKS: u32 = 8;
/// Monsters in a cell of the grid from which on others walk around it.
const CROWD: usize = 10;
/// Prey is given up beyond this many times its kind's sight.
const CHASE: i32 = 2;

/// Lets the waves of this tick come, and lists all monsters.
pub(super) fn arrive(siege: &mut Siege, _orders: &[Order]) {
    let tick = siege.world.resource::<Clock>().0;
    for n in 0..siege.rules.waves.len() {
        let wave = siege.rules.waves[n];
        if wave.tick != tick {
            continue;
        }
        for _ in 0..wave.count {
            let id = siege.world.resource::<NextBeast>().0;
            let here = siege.entities.len() - siege.rules.kits.len();
            if here >= BEASTS_MAX || id > LAST_BEAST_ID {
                break;
            }
            siege.world.resource_mut::<NextBeast>().0 += 1;
            let (x_mm, y_mm) = siege.rules.border(tick, id);
            let hp = siege.rules.kind(wave.kind).hp;
            siege.spawn(id, Beast { kind: wave.kind, x_mm, y_mm, hp, ..Beast::default() });
        }
    }
    let Siege { world, rules, field, beasts, .. } = siege;
    field.set_beasts(beasts.iter(world).map(|(_, id, beast)| Standing {
        id: id.0,
        radius_mm: rules.kind(beast.kind).radius_mm,
        at: beast.at(),
    }));
}

/// Moves every monster towards its goal, and lets it strike what is in reach.
pub(super) fn prowl(siege: &mut Siege, _orders: &[Order]) {
    let Siege { world, rules, field, beasts, .. } = siege;
    let tick = world.resource::<Clock>().0;
    for (_, id, mut beast) in beasts.iter_mut(world) {
        let kind = rules.kind(beast.kind);
        if (tick.wrapping_add(id.0)).is_multiple_of(LOOK_TICKS) {
            beast.prey = look(field, kind, &beast);
        }
        let prey = beast.prey.checked_sub(1).and_then(|slot| {
            let at = *field.places.get(usize::from(slot))?;
            at.map(|at| (u32::from(slot), at))
        });
        if prey.is_none() {
            beast.prey = 0;
        }
        let (at, radius_mm) = match prey {
            Some((slot, at)) => (at, rules.kits.get(index(slot)).map_or(0, |kit| kit.radius_mm)),
            None => ((0, 0), rules.keep_radius_mm),
        };
        let reach = i64::from(kind.reach_mm) + i64::from(kind.radius_mm) + i64::from(radius_mm);
        if square_between(beast.at(), at) > reach * reach {
            step(field, rules, (id.0, &mut beast), &Goal { at, reach });
        } else if tick >= beast.ready {
            beast.ready = tick.saturating_add(kind.cooldown_ticks);
            match prey {
                Some((slot, _)) => field.hurt_fighter(slot, kind.damage),
                None => field.keep_hurt = field.keep_hurt.saturating_add(kind.damage),
            }
        }
        if rules.is_boss(beast.kind) {
            blow(field, rules, tick, &mut beast);
        }
    }
}

/// Whom it goes after from now on: the nearest player it sees, or else the one it was after.
fn look(field: &Field, kind: Kind, beast: &Beast) -> u16 {
    if let Some((_, nearest)) = field.fighter_grid.nearest(beast.at(), kind.sight_mm) {
        let slot = field.living.get(index(nearest)).copied();
        return slot.and_then(|slot| u16::try_from(slot + 1).ok()).unwrap_or(0);
    }
    let before = beast.prey.checked_sub(1).and_then(|slot| field.places.get(usize::from(slot)));
    let chase = i64::from(kind.sight_mm) * i64::from(CHASE);
    match before {
        Some(Some(at)) if square_between(beast.at(), *at) <= chase * chase => beast.prey,
        Some(_) | None => 0,
    }
}

/// Where a monster wants to be.
struct Goal {
    at: (i32, i32),
    /// From how far it strikes.
    reach: i64,
}

/// One step towards the goal, at most until it is in reach; sideways where a crowd stands.
fn step(field: &Field, rules: &Rules, (id, beast): (u32, &mut Beast), goal: &Goal) {
    let kind = rules.kind(beast.kind);
    let way = (i64::from(goal.at.0 - beast.x_mm), i64::from(goal.at.1 - beast.y_mm));
    let length = (way.0 * way.0 + way.1 * way.1).isqrt().max(1);
    let stride = i64::from(kind.stride_mm).min(length - goal.reach + 1).max(1);
    let to = |way: (i64, i64)| {
        let along = |at: i32, way: i64, half: i32| {
            let step = i32::try_from(way * stride / length).unwrap_or(0);
            at.saturating_add(step).clamp(-half, half)
        };
        (along(beast.x_mm, way.0, rules.half.0), along(beast.y_mm, way.1, rules.half.1))
    };
    let mut place = to(way);
    if field.beast_grid.crowd(place) > CROWD && field.beast_grid.crowd(beast.at()) <= CROWD {
        place = to(if id.is_multiple_of(2) { (-way.1, way.0) } else { (way.1, -way.0) });
    }
    (beast.x_mm, beast.y_mm) = place;
}

/// The boss's blow at all players around it.
fn blow(field: &mut Field, rules: &Rules, tick: u32, beast: &mut Beast) {
    if tick < beast.area_ready {
        return;
    }
    let Field { fighter_grid, living, fighters_hurt, .. } = field;
    let mut hit = false;
    fighter_grid.within(beast.at(), rules.area.radius_mm, |place, _| {
        let slot = living.get(index(place)).copied().map_or(usize::MAX, index);
        if let Some(hurt) = fighters_hurt.get_mut(slot) {
            *hurt = hurt.saturating_add(rules.area.damage);
            hit = true;
        }
    });
    if hit {
        beast.area_ready = tick.saturating_add(rules.area.cooldown_ticks);
    }
}
