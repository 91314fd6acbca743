//! How pets fight along: they keep near their owner, go for the nearest enemy there, and bite.

use super::components::{Afflictions, Gait, Pet, Place};
use super::geometry::{Vec2, narrow, stride_um};
use super::moving::{go, slowed};
use super::scratch::{Blow, BlowKind, Body, Doings, Scene};
use super::skills::is_open;
use super::state::{FIRST_PET_ID, Kit};

/// Enemies further than this from the owner are left alone.
const LEASH_MM: i64 = 6_000;
/// A pet further than this from its owner comes to heel at once: it has lost its way.
const LOST_MM: i64 = 14_000;
/// A pet with nothing to do stays this near to its owner.
const HEEL_MM: i64 = 1_500;

/// A living pet.
pub(super) struct Follower<'a> {
    pub(super) id: u32,
    pub(super) side: u8,
    pub(super) kit: &'a Kit,
    pub(super) afflictions: &'a Afflictions,
    pub(super) place: &'a mut Place,
    pub(super) gait: &'a mut Gait,
}

/// Slot of a pet's owner.
pub(super) const fn owner_of(pet: u32) -> u32 {
    pet.saturating_sub(FIRST_PET_ID)
}

/// Moves a pet; `scene.field` knows the fighters. Without its owner it stays where it is.
pub(super) fn follow(scene: Scene<'_>, follower: Follower<'_>) {
    let Follower { id, side, kit, afflictions, place, gait } = follower;
    let Some(owner) = scene.field.find(owner_of(id)) else { return };
    if scene.tick <= afflictions.stun_until {
        return;
    }
    let to_owner = Vec2::between(place.at(), owner.at);
    if to_owner.square() > LOST_MM * LOST_MM {
        *place = owner.at.into();
        *gait = Gait::default();
        return;
    }
    let prey = prey_of(scene, side, owner);
    let (way, stop) = match prey {
        Some(prey) => {
            let edges = i64::from(kit.radius_mm) + i64::from(prey.radius_mm);
            // It stops well inside its reach, so that it bites whoever walks away.
            (Vec2::between(place.at(), prey.at), edges + i64::from(kit.reach_mm) / 2)
        }
        None => (to_owner, HEEL_MM),
    };
    if way.square() > stop * stop {
        let speed = slowed(scene.tick, kit, afflictions);
        let stride = stride_um(aim_of(way), speed, scene.rules.hz, true);
        go(scene.rules, kit.radius_mm, stride, (place, gait));
    }
}

/// Bites the nearest enemy in reach.
pub(super) fn bite(
    scene: Scene<'_>,
    (id, side, kit): (u32, u8, &Kit),
    (place, pet): (Place, &mut Pet),
    out: &mut Doings,
) {
    if scene.tick < pet.ready {
        return;
    }
    let gap = |body: &Body| {
        let edges = i64::from(kit.radius_mm) + i64::from(body.radius_mm);
        let reach = edges + i64::from(kit.reach_mm);
        let between = Vec2::between(place.at(), body.at).square();
        (between <= reach * reach).then(|| (between.isqrt() - edges, body.id, body.at))
    };
    let near = scene.field.enemies(side).filter_map(gap);
    let open = near.filter(|(_, _, at)| is_open(scene.rules, place.at(), *at));
    if let Some((_, target, _)) = open.min() {
        pet.ready = scene.tick.saturating_add(kit.bite_ticks);
        let (source, amount) = (owner_of(id), kit.damage);
        out.blows.push(Blow { target, source, kind: BlowKind::Damage, amount, ticks: 0 });
    }
}

/// The enemy fighter nearest to the owner within the leash; the lower id of two.
fn prey_of<'a>(scene: Scene<'a>, side: u8, owner: &Body) -> Option<&'a Body> {
    let far = |body: &Body| Vec2::between(owner.at, body.at).square();
    let near = scene.field.fighters(side, false).filter(|body| far(body) <= LEASH_MM * LEASH_MM);
    near.min_by_key(|body| (far(body), body.id))
}

/// A direction as 16 bits hold it.
fn aim_of(way: Vec2) -> (i16, i16) {
    let part = |part: i64| {
        let part = narrow(part).clamp(-i32::from(i16::MAX), i32::from(i16::MAX));
        i16::try_from(part).unwrap_or(0)
    };
    (part(way.x), part(way.y))
}
