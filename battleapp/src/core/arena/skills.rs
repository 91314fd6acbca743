//! How fighters use their skills: begin, break off, take effect.

use shared::content::{BrokenBy, Delivery, Effect, HERO_SKILLS, Skill};
use shared::msg::client::Act;

use super::components::{Afflictions, Area, Origin, Place, Shot, Skills, Vitals};
use super::geometry::{Vec2, cut, narrow, scaled, stride_um};
use super::scratch::{Blow, BlowKind, Body, Doings, Scene, Spawn};
use super::state::{Kit, Rules};
use crate::core::sim::Order;

/// A living fighter about to act.
pub(super) struct Actor<'a> {
    pub(super) id: u32,
    pub(super) side: u8,
    pub(super) kit: &'a Kit,
    pub(super) place: Place,
    pub(super) afflictions: &'a Afflictions,
    pub(super) vitals: &'a mut Vitals,
    pub(super) skills: &'a mut Skills,
}

/// Energy comes back; a leap lands; a cast goes on, breaks or takes effect; a skill begins.
pub(super) fn act(scene: Scene<'_>, order: Order, actor: Actor<'_>, out: &mut Doings) {
    let kit = actor.kit;
    let energy = actor.vitals.energy.saturating_add(kit.energy_per_tick);
    actor.vitals.energy = energy.min(kit.energy_max);
    let stunned = scene.tick <= actor.afflictions.stun_until;
    if stunned {
        actor.skills.leaping = 0;
        actor.skills.leap_ticks = 0;
    }
    if actor.skills.leaping > 0 {
        if actor.skills.leap_ticks == 0 {
            let number = actor.skills.leaping - 1;
            actor.skills.leaping = 0;
            land(scene, number, &actor, out);
        }
        return;
    }
    if actor.skills.casting > 0 {
        return go_on(scene, (order, stunned), actor, out);
    }
    if let Act::Skill { skill, aim_mm } = order.act
        && !stunned
    {
        begin(scene, (skill, aim_mm), actor, out);
    }
}

fn go_on(
    scene: Scene<'_>,
    (order, stunned): (Order, bool),
    mut actor: Actor<'_>,
    out: &mut Doings,
) {
    let number = actor.skills.casting - 1;
    let Some((_, skill)) = skill_of(scene.rules, actor.kit, number) else {
        actor.skills.stop();
        return;
    };
    let broken = match skill.broken_by {
        BrokenBy::Nothing => false,
        BrokenBy::Stun => stunned,
        BrokenBy::Walking => stunned || order.walk != (0, 0),
    };
    if broken {
        actor.skills.casting = 0;
    } else if scene.tick >= actor.skills.cast_until {
        actor.skills.casting = 0;
        take_effect(scene, number, &mut actor, out);
    }
}

/// Begins a skill that is ready and can be paid; one that needs a direction and has none does not
/// begin.
fn begin(
    scene: Scene<'_>,
    (number, aim_mm): (u8, (i16, i16)),
    mut actor: Actor<'_>,
    out: &mut Doings,
) {
    let Some((_, skill)) = skill_of(scene.rules, actor.kit, number) else { return };
    let cost = skill.cost.saturating_mul(super::state::ENERGY_PARTS);
    let Some(ready) = actor.skills.ready.get_mut(usize::from(number)) else { return };
    let aimless = match skill.delivery {
        Delivery::Projectile { .. } | Delivery::Dash { .. } => aim_mm == (0, 0),
        Delivery::Own | Delivery::Melee { .. } | Delivery::Ally { .. } | Delivery::Area { .. } => {
            false
        }
    };
    if aimless || scene.tick < *ready || actor.vitals.energy < cost {
        return;
    }
    *ready = scene.tick.saturating_add(hastened(scene.rules, actor.kit, skill.cooldown_ms));
    actor.vitals.energy -= cost;
    actor.skills.aim_mm = aim_mm;
    if skill.cast_ms > 0 {
        actor.skills.casting = number + 1;
        actor.skills.cast_until = scene.tick.saturating_add(scene.rules.ticks(skill.cast_ms));
    } else {
        take_effect(scene, number, &mut actor, out);
    }
}

fn hastened(rules: &Rules, kit: &Kit, cooldown_ms: u32) -> u32 {
    let haste = u64::try_from(kit.haste_permille).unwrap_or(0);
    let ms = u64::from(cooldown_ms) * 1_000 / (1_000 + haste);
    rules.ticks(u32::try_from(ms).unwrap_or(cooldown_ms))
}

/// A skill of a fighter by its number, with its index among all.
fn skill_of<'a>(rules: &'a Rules, kit: &Kit, number: u8) -> Option<(u16, &'a Skill)> {
    let number = usize::from(number);
    let index = kit.first_skill.checked_add(number).filter(|_| number < HERO_SKILLS)?;
    Some((u16::try_from(index).ok()?, rules.skill(index)?))
}

fn origin_of(rules: &Rules, number: u8, actor: &Actor<'_>) -> Origin {
    let skill = skill_of(rules, actor.kit, number).map_or(u16::MAX, |(index, _)| index);
    Origin { owner: actor.id, side: actor.side, skill, power: actor.kit.damage }
}

/// The delivery of a skill whose time has come.
fn take_effect(scene: Scene<'_>, number: u8, actor: &mut Actor<'_>, out: &mut Doings) {
    let Some((_, skill)) = skill_of(scene.rules, actor.kit, number) else { return };
    let origin = origin_of(scene.rules, number, actor);
    let aim = (i32::from(actor.skills.aim_mm.0), i32::from(actor.skills.aim_mm.1));
    match skill.delivery {
        Delivery::Own => strike(scene, origin, (actor.id, true), out),
        Delivery::Melee { reach_mm } => {
            if let Some(target) = nearest_in_reach(scene, actor, reach_mm) {
                strike(scene, origin, (target, false), out);
                strike(scene, origin, (actor.id, true), out);
            }
        }
        Delivery::Ally { range_mm } => {
            if let Some(target) = ally_at(scene, actor, (aim, range_mm)) {
                strike(scene, origin, (target, true), out);
            }
        }
        Delivery::Projectile { speed_mm_s, range_mm, .. } => {
            let towards = actor.skills.aim_mm;
            let shot = Shot {
                origin,
                towards: scaled(towards),
                stride_um: stride_um(towards, speed_mm_s, scene.rules.hz, true),
                ticks_left: ticks_of_way(scene.rules, range_mm, speed_mm_s),
            };
            out.spawns.push((actor.place, Spawn::Shot(shot)));
        }
        Delivery::Area { range_mm, delay_ms, pulses, .. } => {
            let (x, y) = cut(aim, range_mm);
            let (half, at) = (scene.rules.half, actor.place.at());
            let centre = (
                at.0.saturating_add(x).clamp(-half.0, half.0),
                at.1.saturating_add(y).clamp(-half.1, half.1),
            );
            let next = scene.tick.saturating_add(scene.rules.ticks(delay_ms));
            let area = Area { origin, pulses_left: pulses, next };
            out.spawns.push((centre.into(), Spawn::Area(area)));
        }
        Delivery::Dash { range_mm, speed_mm_s, .. } => {
            let towards = actor.skills.aim_mm;
            let far = Vec2::between((0, 0), cut(aim, range_mm)).square().isqrt();
            actor.skills.leaping = number + 1;
            actor.skills.leap_um = stride_um(towards, speed_mm_s, scene.rules.hz, true);
            actor.skills.leap_ticks = ticks_of_way(scene.rules, narrow(far), speed_mm_s);
        }
    }
}

/// The end of a leap.
fn land(scene: Scene<'_>, number: u8, actor: &Actor<'_>, out: &mut Doings) {
    let Some((_, skill)) = skill_of(scene.rules, actor.kit, number) else { return };
    let Delivery::Dash { radius_mm, .. } = skill.delivery else { return };
    let origin = origin_of(scene.rules, number, actor);
    strike(scene, origin, (actor.id, true), out);
    let reach = actor.kit.radius_mm.saturating_add(radius_mm);
    strike_around(scene, origin, (actor.place.at(), reach), out);
}

/// Harms all enemies within a circle that its centre reaches in a straight line.
pub(super) fn strike_around(
    scene: Scene<'_>,
    origin: Origin,
    (centre, radius_mm): ((i32, i32), i32),
    out: &mut Doings,
) {
    for body in scene.field.enemies(origin.side) {
        if is_within(scene, (centre, radius_mm), body) {
            strike(scene, origin, (body.id, false), out);
        }
    }
}

/// Whether a body touches a circle that its centre reaches in a straight line.
pub(super) fn is_within(
    scene: Scene<'_>,
    (centre, radius_mm): ((i32, i32), i32),
    body: &Body,
) -> bool {
    let reach = i64::from(radius_mm) + i64::from(body.radius_mm);
    Vec2::between(centre, body.at).square() <= reach * reach
        && is_open(scene.rules, centre, body.at)
}

/// Whether nothing that stops projectiles stands between two places.
pub(super) fn is_open(rules: &Rules, from: (i32, i32), to: (i32, i32)) -> bool {
    rules.ground.touch(from, to, 1).is_none()
}

/// Sends the effects of a skill that help, or those that harm, to a target.
pub(super) fn strike(
    scene: Scene<'_>,
    origin: Origin,
    (target, helps): (u32, bool),
    out: &mut Doings,
) {
    let Some(skill) = scene.rules.skill(usize::from(origin.skill)) else { return };
    let effects = skill.effects.iter().filter(|effect| effect.helps() == helps);
    out.blows.extend(effects.map(|effect| {
        let (kind, amount, ms) = match *effect {
            Effect::Damage { amount } => {
                (BlowKind::Damage, amount.saturating_add(origin.power).max(0), 0)
            }
            Effect::Heal { amount } => (BlowKind::Heal, amount, 0),
            Effect::Shield { amount, duration_ms } => (BlowKind::Shield, amount, duration_ms),
            Effect::Slow { permille, duration_ms } => (BlowKind::Slow, permille, duration_ms),
            Effect::Stun { duration_ms } => (BlowKind::Stun, 1, duration_ms),
            Effect::Burn { amount, duration_ms } => (BlowKind::Burn, amount, duration_ms),
        };
        Blow { target, source: origin.owner, kind, amount, ticks: scene.rules.ticks(ms) }
    }));
}

/// The nearest enemy between whose body and the fighter's lies at most the reach and nothing
/// else; of equally near ones, the lower id.
fn nearest_in_reach(scene: Scene<'_>, actor: &Actor<'_>, reach_mm: i32) -> Option<u32> {
    let at = actor.place.at();
    let distance = |body: &&Body| {
        let between = Vec2::between(at, body.at).square();
        let edges = i64::from(actor.kit.radius_mm) + i64::from(body.radius_mm);
        let reach = edges + i64::from(reach_mm);
        // Bodies have different radii: what counts is the gap between the edges.
        (between <= reach * reach).then(|| (between.isqrt() - edges, body.id, body.at))
    };
    let near = scene.field.enemies(actor.side).filter_map(|body| distance(&body));
    near.filter(|(_, _, to)| is_open(scene.rules, at, *to)).min().map(|(_, id, _)| id)
}

/// The fighter of the own side nearest to the aim among those in range; the lower id of two.
fn ally_at(scene: Scene<'_>, actor: &Actor<'_>, (aim, range_mm): ((i32, i32), i32)) -> Option<u32> {
    let (at, range) = (actor.place.at(), i64::from(range_mm));
    let aimed = (at.0.saturating_add(aim.0), at.1.saturating_add(aim.1));
    let allies = scene.field.fighters(actor.side, true);
    let in_range = allies.filter(|body| Vec2::between(at, body.at).square() <= range * range);
    in_range.map(|body| (Vec2::between(aimed, body.at).square(), body.id)).min().map(|(_, id)| id)
}

/// Ticks that something needs for a way, rounded up, at least one.
fn ticks_of_way(rules: &Rules, way_mm: i32, speed_mm_s: i32) -> u32 {
    let speed = u32::try_from(speed_mm_s).unwrap_or(0).max(1);
    let way = u32::try_from(way_mm).unwrap_or(0);
    way.saturating_mul(rules.hz).div_ceil(speed).max(1)
}
