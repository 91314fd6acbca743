//! How projectiles fly and how skills are used.

use bevy_ecs::prelude::*;
use shared::msg::client::Act;

use super::super::geometry::{Vec2, advance, first_touch, scaled, stride_um};
use super::super::lives::Life;
use super::super::state::{Clock, Kit, Orders, Rules, Side, StableId};
use super::super::walking::{Body, Field, Gait, Place};
use super::SHOTS_MAX;
use super::components::{Cooldowns, Hit, Hits, NextShot, Shot, Volley};

/// Moves projectiles. Each is swept along its way of this tick and ends at the first enemy or
/// pillar it touches; a pillar wins a tie, then the lower id.
pub(super) fn fly(
    rules: Res<Rules>,
    field: Res<Field>,
    mut hits: ResMut<Hits>,
    mut shots: Query<(Entity, &mut Shot, &mut Place, &mut Gait)>,
    mut commands: Commands,
) {
    for (entity, mut shot, mut place, mut gait) in &mut shots {
        let from = (place.x_mm, place.y_mm);
        let to = (
            advance(from.0, &mut gait.rest_x_um, shot.stride_um.0),
            advance(from.1, &mut gait.rest_y_um, shot.stride_um.1),
        );
        let path = Vec2::between(from, to);
        let radius = i64::from(shot.radius_mm);
        let wall = rules
            .pillars
            .iter()
            .filter_map(|pillar| {
                let reach = radius + i64::from(pillar.radius_mm);
                first_touch(from, path, (pillar.x_mm, pillar.y_mm), reach)
            })
            .min();
        let struck = field
            .0
            .iter()
            .filter(|body| body.side != shot.side)
            .filter_map(|body| {
                let reach = radius + i64::from(body.radius_mm);
                first_touch(from, path, body.at, reach).map(|touch| (touch, body.id))
            })
            .min()
            .filter(|(touch, _)| wall.is_none_or(|wall| *touch < wall));
        if let Some((_, target)) = struck {
            hits.0.push(Hit { target, damage: shot.damage });
        }
        let outside = to.0.abs() > rules.half.0 || to.1.abs() > rules.half.1;
        shot.ticks_left = shot.ticks_left.saturating_sub(1);
        if struck.is_some() || wall.is_some() || outside || shot.ticks_left == 0 {
            commands.entity(entity).despawn();
        } else {
            *place = Place { x_mm: to.0, y_mm: to.1 };
        }
    }
}

type Fighters<'a> = (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Place, &'a mut Cooldowns);

/// Uses the skills that were ordered and are ready. A swing at nobody is still a swing.
pub(super) fn use_skills(
    state: (Res<Clock>, Res<Rules>, Res<Orders>, Res<Field>),
    mut hits: ResMut<Hits>,
    mut next: ResMut<NextShot>,
    mut volley: ResMut<Volley>,
    (mut fighters, flying): (Query<Fighters>, Query<(), With<Shot>>),
    mut commands: Commands,
) {
    let (clock, rules, orders, field) = state;
    for (&id, side, kit, life, place, mut cooldowns) in &mut fighters {
        if *life != Life::Alive {
            continue;
        }
        match orders.of(id).act {
            Act::None => {}
            Act::Skill { skill: 0, .. } if clock.0 >= cooldowns.melee => {
                cooldowns.melee = clock.0.saturating_add(kit.melee_ticks);
                if let Some(target) = nearest_in_reach(&field, side, kit, place) {
                    hits.0.push(Hit { target, damage: kit.melee_damage });
                }
            }
            Act::Skill { skill: 1, aim_mm } if clock.0 >= cooldowns.ranged && aim_mm != (0, 0) => {
                volley.0.push((shot_of(id, side, kit, aim_mm, rules.hz), *place));
            }
            Act::Skill { .. } => {}
        }
    }
    if volley.0.is_empty() {
        return;
    }
    volley.0.sort_unstable_by_key(|(shot, _)| shot.owner);
    let room = SHOTS_MAX.saturating_sub(flying.iter().count());
    volley.0.truncate(room);
    for (&id, _, kit, _, _, mut cooldowns) in &mut fighters {
        if volley.0.iter().any(|(shot, _)| shot.owner == id.0) {
            cooldowns.ranged = clock.0.saturating_add(kit.shot_ticks);
        }
    }
    for (shot, place) in volley.0.drain(..) {
        commands.spawn((StableId(next.0), shot, place, Gait::default()));
        next.0 = next.0.saturating_add(1);
    }
}

/// The nearest enemy between whose body and the fighter's lies at most the reach; of equally
/// near ones, the lower id.
fn nearest_in_reach(field: &Field, side: &Side, kit: &Kit, place: &Place) -> Option<u32> {
    let distance = |body: &Body| {
        let between = Vec2::between((place.x_mm, place.y_mm), body.at).square();
        let edges = i64::from(kit.radius_mm) + i64::from(body.radius_mm);
        let reach = edges + i64::from(kit.melee_reach_mm);
        // Bodies have different radii: what counts is the gap between the edges.
        (between <= reach * reach).then(|| (between.isqrt() - edges, body.id))
    };
    let enemies = field.0.iter().filter(|body| body.side != side.0);
    enemies.filter_map(distance).min().map(|(_, id)| id)
}

/// A projectile as it leaves the fighter. Its range is rounded up to whole ticks of flight.
fn shot_of(id: StableId, side: &Side, kit: &Kit, aim_mm: (i16, i16), hz: u32) -> Shot {
    let speed = u32::try_from(kit.shot_speed_mm_s).unwrap_or(0).max(1);
    let range = u32::try_from(kit.shot_range_mm).unwrap_or(0);
    Shot {
        owner: id.0,
        side: side.0,
        towards: scaled(aim_mm),
        damage: kit.shot_damage,
        radius_mm: kit.shot_radius_mm,
        stride_um: stride_um(aim_mm, kit.shot_speed_mm_s, hz, true),
        ticks_left: range.saturating_mul(hz).div_ceil(speed).max(1),
    }
}
