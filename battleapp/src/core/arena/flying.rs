//! How projectiles fly and areas take effect.

use shared::content::{Delivery, Skill};

use super::components::{Area, Gait, Place, Shot};
use super::geometry::{Vec2, advance, first_touch, narrow};
use super::scratch::{Doings, Scene};
use super::skills::{is_within, strike, strike_around};

/// Moves a projectile; whether it goes on. It is swept along its way of this tick and ends at the
/// first enemy or obstacle it touches; an obstacle wins a tie, then the lower id.
pub(super) fn fly(
    scene: Scene<'_>,
    shot: &mut Shot,
    (place, gait): (&mut Place, &mut Gait),
    out: &mut Doings,
) -> bool {
    let rules = scene.rules;
    let origin = shot.origin;
    let Some(&Skill { delivery: Delivery::Projectile { radius_mm, burst_mm, .. }, .. }) =
        rules.skill(usize::from(origin.skill))
    else {
        return false;
    };
    let from = place.at();
    let to = (
        advance(from.0, &mut gait.rest_x_um, shot.stride_um.0),
        advance(from.1, &mut gait.rest_y_um, shot.stride_um.1),
    );
    let path = Vec2::between(from, to);
    let wall = rules.ground.touch(from, to, radius_mm);
    let touches = scene.field.enemies(origin.side).filter_map(|body| {
        let reach = i64::from(radius_mm) + i64::from(body.radius_mm);
        first_touch(from, path, body.at, reach).map(|touch| (touch, body.id))
    });
    let struck = touches.min().filter(|(touch, _)| wall.is_none_or(|wall| *touch < wall));
    if let Some((_, target)) = struck
        && burst_mm == 0
    {
        strike(scene, origin, (target, false), out);
    }
    if let Some(touch) = struck.map(|(touch, _)| touch).or(wall) {
        if burst_mm > 0 {
            let along = |from: i32, part: i64| {
                from.saturating_add(narrow(part * touch / path.square().max(1)))
            };
            let end = (along(from.0, path.x), along(from.1, path.y));
            strike_around(scene, origin, (end, burst_mm), out);
        }
        return false;
    }
    shot.ticks_left = shot.ticks_left.saturating_sub(1);
    *place = to.into();
    let inside = to.0.abs() <= rules.half.0 && to.1.abs() <= rules.half.1;
    inside && shot.ticks_left > 0
}

/// Lets an area take effect when its time has come; whether it goes on.
pub(super) fn pulse(scene: Scene<'_>, area: &mut Area, place: Place, out: &mut Doings) -> bool {
    if scene.tick < area.next {
        return true;
    }
    let origin = area.origin;
    let Some(&Skill { delivery: Delivery::Area { radius_mm, every_ms, .. }, .. }) =
        scene.rules.skill(usize::from(origin.skill))
    else {
        return false;
    };
    let circle = (place.at(), radius_mm);
    strike_around(scene, origin, circle, out);
    for body in scene.field.fighters(origin.side, true) {
        if is_within(scene, circle, body) {
            strike(scene, origin, (body.id, true), out);
        }
    }
    area.next = scene.tick.saturating_add(scene.rules.ticks(every_ms));
    area.pulses_left = area.pulses_left.saturating_sub(1);
    area.pulses_left > 0
}
