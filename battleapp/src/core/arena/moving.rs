//! How fighters walk and leap. They collide with the ground and pass through each other.

use super::components::{Afflictions, Gait, Place, Skills};
use super::geometry::{advance, stride_um};
use super::state::{Kit, Rules};
use crate::core::sim::Order;

/// A fighter on its feet.
pub(super) struct Walker<'a> {
    pub(super) kit: &'a Kit,
    pub(super) afflictions: &'a Afflictions,
    pub(super) skills: &'a mut Skills,
    pub(super) place: &'a mut Place,
    pub(super) gait: &'a mut Gait,
}

/// Moves a living fighter by its leap or as it was ordered; the stunned stand.
pub(super) fn walk(tick: u32, rules: &Rules, order: Order, walker: Walker<'_>) {
    let Walker { kit, afflictions, skills, place, gait } = walker;
    if tick <= afflictions.stun_until {
        return;
    }
    if skills.leap_ticks > 0 {
        skills.leap_ticks -= 1;
        go(rules, kit.radius_mm, skills.leap_um, (place, gait));
    } else if order.walk != (0, 0) {
        let towards = (i16::from(order.walk.0), i16::from(order.walk.1));
        let speed = slowed(tick, kit, afflictions);
        go(rules, kit.radius_mm, stride_um(towards, speed, rules.hz, false), (place, gait));
    }
}

/// The speed of a fighter or pet.
pub(super) fn slowed(tick: u32, kit: &Kit, afflictions: &Afflictions) -> i32 {
    if tick > afflictions.slow_until {
        return kit.speed_mm_s;
    }
    let left = i64::from(1_000 - afflictions.slow_permille.clamp(0, 1_000));
    i32::try_from(i64::from(kit.speed_mm_s) * left / 1_000).unwrap_or(0)
}

/// Moves a body by a stride. Where something is in its way, it loses the rest it was owed.
pub(super) fn go(
    rules: &Rules,
    radius_mm: i32,
    stride_um: (i32, i32),
    (place, gait): (&mut Place, &mut Gait),
) {
    let from = place.at();
    let to = (
        advance(from.0, &mut gait.rest_x_um, stride_um.0),
        advance(from.1, &mut gait.rest_y_um, stride_um.1),
    );
    let step = (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1));
    let at = rules.ground.walk(from, step, radius_mm);
    if at != to {
        *gait = Gait::default();
    }
    *place = at.into();
}
