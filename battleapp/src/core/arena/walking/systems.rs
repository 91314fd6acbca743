//! How fighters move.

use bevy_ecs::prelude::*;

use super::super::geometry::{advance, settle, stride_um};
use super::super::lives::Life;
use super::super::state::{Kit, Orders, Rules, Side, StableId};
use super::components::{Body, Field, Gait, Place};

type Walkers<'a> = (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a mut Place, &'a mut Gait);

/// Moves the living and lists them. Fighters do not touch each other, so any order will do.
pub(super) fn walk(
    rules: Res<Rules>,
    orders: Res<Orders>,
    mut field: ResMut<Field>,
    mut fighters: Query<Walkers>,
) {
    field.0.clear();
    for (&id, side, kit, life, mut place, mut gait) in &mut fighters {
        if *life != Life::Alive {
            continue;
        }
        let walk = orders.of(id).walk;
        if walk != (0, 0) {
            let walk = (i16::from(walk.0), i16::from(walk.1));
            let stride = stride_um(walk, kit.speed_mm_s, rules.hz, false);
            let from = (place.x_mm, place.y_mm);
            let to = (
                advance(from.0, &mut gait.rest_x_um, stride.0),
                advance(from.1, &mut gait.rest_y_um, stride.1),
            );
            let at = settle(from, to, kit.radius_mm, rules.half, &rules.pillars);
            if at != to {
                *gait = Gait::default();
            }
            *place = Place { x_mm: at.0, y_mm: at.1 };
        }
        field.0.push(Body {
            id: id.0,
            side: side.0,
            at: (place.x_mm, place.y_mm),
            radius_mm: kit.radius_mm,
        });
    }
    field.0.sort_unstable_by_key(|body| body.id);
}
