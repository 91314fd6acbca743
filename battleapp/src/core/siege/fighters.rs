//! What players do: they walk, strike and shoot.

use shared::msg::client::Act;

use super::super::grid::square_between;
use super::super::sim::Order;
use super::Siege;
use super::field::{Field, index};
use super::rules::Kit;
use super::state::Clock;

/// Full length of a walking order.
const FULL: i64 = 127;
/// Monsters are no wider than this; shots look so far beside their way.
const BEAST_RADIUS_MM_MAX: i32 = 5_000;

/// Brings back whose time has come, moves the living, and lists them. Players do not touch each
/// other.
pub(super) fn walk(siege: &mut Siege, orders: &[Order]) {
    let Siege { world, rules, field, fighters, .. } = siege;
    let tick = world.resource::<Clock>().0;
    field.places.clear();
    field.places.resize(rules.kits.len(), None);
    for (id, mut fighter) in fighters.iter_mut(world) {
        let slot = index(id.0);
        let Some(kit) = rules.kits.get(slot) else { continue };
        if fighter.back != 0 {
            if tick < fighter.back {
                continue;
            }
            let (x_mm, y_mm) = rules.entry(tick, id.0);
            (fighter.x_mm, fighter.y_mm) = (x_mm, y_mm);
            (fighter.hp, fighter.back) = (kit.hp_max, 0);
        }
        let order = orders.get(slot).copied().unwrap_or(Order::STILL);
        let step = step(order.walk, kit.stride_mm);
        let to = |at: i32, step: i32, half: i32| {
            let edge = (half - kit.radius_mm).max(0);
            at.saturating_add(step).clamp(-edge, edge)
        };
        if step != (0, 0) {
            fighter.x_mm = to(fighter.x_mm, step.0, rules.half.0);
            fighter.y_mm = to(fighter.y_mm, step.1, rules.half.1);
        }
        field.places[slot] = Some(fighter.at());
    }
    field.list_living();
}

/// Lets players use what they ordered and what is ready: skill 0 strikes the nearest monster in
/// reach, any other shoots at the first one in its way. A blow at nobody is still a blow.
pub(super) fn strike(siege: &mut Siege, orders: &[Order]) {
    let Siege { world, rules, field, fighters, .. } = siege;
    let tick = world.resource::<Clock>().0;
    for (id, mut fighter) in fighters.iter_mut(world) {
        let slot = index(id.0);
        let Act::Skill { skill, aim_mm } = orders.get(slot).map_or(Act::None, |order| order.act)
        else {
            continue;
        };
        let which = usize::from(skill.min(1));
        let Some(kit) = rules.kits.get(slot) else { continue };
        if fighter.back != 0 || tick < fighter.ready[which] {
            continue;
        }
        fighter.ready[which] = tick.saturating_add(kit.cooldown_ticks[which]);
        let (target, damage) = if which == 0 {
            (in_reach(field, kit, fighter.at()), kit.strike_damage)
        } else {
            let aim = (i64::from(aim_mm.0), i64::from(aim_mm.1));
            (in_the_way(field, kit, fighter.at(), aim), kit.shot_damage)
        };
        if let Some(target) = target {
            field.hurt_beast(target, damage);
        }
    }
}

/// The step of a tick; a shorter order than 127 is slower, a longer one is cut.
fn step(walk: (i8, i8), stride_mm: i32) -> (i32, i32) {
    let (x, y) = (i64::from(walk.0), i64::from(walk.1));
    let square = x * x + y * y;
    let length = if square > FULL * FULL { square.isqrt() } else { FULL };
    let part = |along: i64| i32::try_from(i64::from(stride_mm) * along / length).unwrap_or(0);
    (part(x), part(y))
}

/// The monster whose edge is nearest, if it is in reach; of equally near ones, the lower id.
fn in_reach(field: &Field, kit: &Kit, at: (i32, i32)) -> Option<u32> {
    let reach = kit.strike_reach_mm + kit.radius_mm;
    let mut best: Option<(i64, u32)> = None;
    let box_mm = reach + BEAST_RADIUS_MM_MAX;
    field.beast_grid.around(at, (box_mm, box_mm), |place| {
        let Some(beast) = field.beasts.get(index(place)) else { return };
        let square = square_between(at, beast.at);
        let apart = i64::from(reach + beast.radius_mm);
        if square <= apart * apart {
            let edge = square.isqrt() - i64::from(beast.radius_mm);
            if best.is_none_or(|best| (edge, place) < best) {
                best = Some((edge, place));
            }
        }
    });
    best.map(|(_, place)| place)
}

/// The first monster on the way of a shot; of equally near ones, the lower id.
fn in_the_way(field: &Field, kit: &Kit, at: (i32, i32), aim: (i64, i64)) -> Option<u32> {
    let length = (aim.0 * aim.0 + aim.1 * aim.1).isqrt();
    if length == 0 {
        return None;
    }
    let range = i64::from(kit.shot_range_mm);
    let half = |along: i64| i32::try_from((along * range / length).abs() / 2).unwrap_or(0);
    let half_mm = (half(aim.0), half(aim.1));
    let centre = (
        at.0 + half_mm.0 * i32::try_from(aim.0.signum()).unwrap_or(0),
        at.1 + half_mm.1 * i32::try_from(aim.1.signum()).unwrap_or(0),
    );
    let beside = kit.shot_radius_mm + BEAST_RADIUS_MM_MAX;
    let mut best: Option<(i64, u32)> = None;
    field.beast_grid.around(centre, (half_mm.0 + beside, half_mm.1 + beside), |place| {
        let Some(beast) = field.beasts.get(index(place)) else { return };
        let (x, y) = (i64::from(beast.at.0 - at.0), i64::from(beast.at.1 - at.1));
        let along = (x * aim.0 + y * aim.1) / length;
        let across = (x * aim.1 - y * aim.0).abs() / length;
        let is_hit = across <= i64::from(kit.shot_radius_mm + beast.radius_mm)
            && (0..=range + i64::from(beast.radius_mm)).contains(&along);
        if is_hit && best.is_none_or(|best| (along, place) < best) {
            best = Some((along, place));
        }
    });
    best.map(|(_, place)| place)
}
