//! The stages of a tick over a World: loops around the rules, nothing else. `twin` has the same
//! loops over vectors.

use bevy_ecs::prelude::*;

use super::SPAWNS_MAX;
use super::components::{
    Afflictions, Area, Gait, Harm, Life, NextId, Pet, Place, Point, Score, Shot, Skills, Tally,
    Vitals,
};
use super::flying;
use super::lives::{self, Struck};
use super::moving::{self, Walker};
use super::objective;
use super::pets::{self, Follower};
use super::scratch::{Body, Doings, Field, Scene, Spawn};
use super::skills::{self, Actor};
use super::state::{Clock, Kit, Orders, Rules, Side, StableId};

/// What all systems may look at.
type Sight<'w> = (Res<'w, Clock>, Res<'w, Rules>);

type Walkers<'a> = (
    &'a StableId,
    &'a Side,
    &'a Kit,
    &'a Life,
    &'a Afflictions,
    &'a mut Skills,
    &'a mut Place,
    &'a mut Gait,
);

/// Moves the fighters and lists those that live.
pub(super) fn walk(
    (clock, rules): Sight<'_>,
    orders: Res<Orders>,
    mut field: ResMut<Field>,
    mut fighters: Query<Walkers<'_>>,
) {
    field.0.clear();
    for (&id, side, kit, life, afflictions, mut skills, mut place, mut gait) in &mut fighters {
        if *life != Life::Alive {
            continue;
        }
        let walker =
            Walker { kit, afflictions, skills: &mut skills, place: &mut place, gait: &mut gait };
        moving::walk(clock.0, &rules, orders.of(id), walker);
        field.0.push(body_of(id, *side, kit, *place));
    }
    field.0.sort_unstable_by_key(|body| body.id);
}

type Followers<'a> =
    (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Afflictions, &'a mut Place, &'a mut Gait);

/// Moves the pets, then lists those that live.
pub(super) fn follow(
    (clock, rules): Sight<'_>,
    mut field: ResMut<Field>,
    mut pets: Query<Followers<'_>, With<Pet>>,
) {
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    for (&id, side, kit, life, afflictions, mut place, mut gait) in &mut pets {
        if *life == Life::Alive {
            let (place, gait) = (&mut *place, &mut *gait);
            let follower = Follower { id: id.0, side: side.0, kit, afflictions, place, gait };
            pets::follow(scene, follower);
        }
    }
    for (&id, side, kit, life, _, place, _) in &pets {
        if *life == Life::Alive {
            field.0.push(body_of(id, *side, kit, *place));
        }
    }
    field.0.sort_unstable_by_key(|body| body.id);
}

/// Moves the projectiles.
pub(super) fn fly(
    (clock, rules): Sight<'_>,
    field: Res<Field>,
    mut doings: ResMut<Doings>,
    mut shots: Query<(Entity, &mut Shot, &mut Place, &mut Gait)>,
    mut commands: Commands<'_, '_>,
) {
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    for (entity, mut shot, mut place, mut gait) in &mut shots {
        if !flying::fly(scene, &mut shot, (&mut *place, &mut *gait), &mut doings) {
            commands.entity(entity).despawn();
        }
    }
}

type Actors<'a> =
    (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Place, &'a Afflictions, &'a mut Vitals);

/// Fighters use their skills, pets bite, fires burn.
pub(super) fn act(
    (clock, rules): Sight<'_>,
    (orders, field): (Res<Orders>, Res<Field>),
    mut doings: ResMut<Doings>,
    mut fighters: Query<(Actors<'_>, &mut Skills)>,
    mut pets: Query<(Actors<'_>, &mut Pet), Without<Skills>>,
) {
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    for ((&id, side, kit, life, &place, afflictions, mut vitals), mut skills) in &mut fighters {
        if *life == Life::Alive {
            lives::burn(scene, id.0, afflictions, &mut doings.blows);
            let (vitals, skills) = (&mut *vitals, &mut *skills);
            let actor = Actor { id: id.0, side: side.0, kit, place, afflictions, vitals, skills };
            skills::act(scene, orders.of(id), actor, &mut doings);
        }
    }
    for ((&id, side, kit, life, &place, afflictions, _), mut pet) in &mut pets {
        if *life == Life::Alive {
            lives::burn(scene, id.0, afflictions, &mut doings.blows);
            if scene.tick > afflictions.stun_until {
                pets::bite(scene, (id.0, side.0, kit), (place, &mut *pet), &mut doings);
            }
        }
    }
}

/// What comes and goes: projectiles and areas.
pub(super) type Passing = Or<(With<Shot>, With<Area>)>;

/// Makes what the fighters have shot and laid, up to [`SPAWNS_MAX`]; of more, nothing is seen.
pub(super) fn spawn(
    mut doings: ResMut<Doings>,
    mut next: ResMut<NextId>,
    there: Query<(), Passing>,
    mut commands: Commands<'_, '_>,
) {
    if doings.spawns.is_empty() {
        return;
    }
    doings.spawns.sort_unstable_by_key(|(_, spawn)| spawn.owner());
    let room = SPAWNS_MAX.saturating_sub(there.iter().count());
    for (place, spawn) in doings.spawns.drain(..).take(room) {
        let id = StableId(next.0);
        match spawn {
            Spawn::Shot(shot) => commands.spawn((id, shot, place, Gait::default())),
            Spawn::Area(area) => commands.spawn((id, area, place)),
        };
        next.0 = next.0.saturating_add(1);
    }
}

/// Areas take effect.
pub(super) fn pulse(
    (clock, rules): Sight<'_>,
    field: Res<Field>,
    mut doings: ResMut<Doings>,
    mut areas: Query<(Entity, &mut Area, &Place)>,
    mut commands: Commands<'_, '_>,
) {
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    for (entity, mut area, place) in &mut areas {
        if !flying::pulse(scene, &mut area, *place, &mut doings) {
            commands.entity(entity).despawn();
        }
    }
}

type Units<'a> =
    (&'a StableId, &'a Side, &'a Kit, &'a mut Vitals, &'a mut Afflictions, &'a mut Life);

/// The blows of the tick take effect.
pub(super) fn resolve(
    (clock, rules): Sight<'_>,
    field: Res<Field>,
    (mut doings, mut score): (ResMut<Doings>, ResMut<Score>),
    mut fighters: Query<(Units<'_>, &mut Skills, &mut Harm, &mut Tally)>,
    mut pets: Query<Units<'_>, (With<Pet>, Without<Skills>)>,
) {
    if doings.blows.is_empty() {
        return;
    }
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    let Doings { blows, credits, .. } = &mut *doings;
    blows.sort_unstable();
    for (unit, mut skills, mut harm, mut tally) in &mut fighters {
        let (id, side, kit, mut vitals, mut afflictions, mut life) = unit;
        let at = lives::blows_at(blows, id.0);
        if *life != Life::Alive || at.is_empty() {
            continue;
        }
        lives::remember(clock.0, at, &mut harm);
        let (vitals, afflictions, life) = (&mut *vitals, &mut *afflictions, &mut *life);
        let struck = Struck { id: id.0, kit, vitals, afflictions, life };
        if let Some(killer) = lives::suffer(scene, at, struck, credits) {
            let own = (&mut *harm, &mut *skills, &mut *tally);
            lives::fall(scene, (killer, side.0), own, (&mut *score, &mut *credits));
        }
    }
    for (id, _, kit, mut vitals, mut afflictions, mut life) in &mut pets {
        let at = lives::blows_at(blows, id.0);
        if *life == Life::Alive && !at.is_empty() {
            let (vitals, afflictions, life) = (&mut *vitals, &mut *afflictions, &mut *life);
            let struck = Struck { id: id.0, kit, vitals, afflictions, life };
            lives::suffer(scene, at, struck, credits);
        }
    }
    blows.clear();
}

/// Points are captured and score; then everybody's tally is brought up to date.
pub(super) fn capture(
    (clock, rules): Sight<'_>,
    field: Res<Field>,
    (mut doings, mut score): (ResMut<Doings>, ResMut<Score>),
    mut points: Query<(&StableId, &mut Point)>,
    mut fighters: Query<(&StableId, &mut Tally)>,
) {
    let scene = Scene { tick: clock.0, rules: &rules, field: &field };
    for (id, mut point) in &mut points {
        if let Some(circle) = rules.point(id.0) {
            objective::capture(scene, circle, &mut point, &mut doings.credits);
            objective::score(scene, point.holder, &mut score);
        }
    }
    if !doings.credits.is_empty() {
        for (id, mut tally) in &mut fighters {
            lives::tell(id.0, &doings.credits, &mut tally);
        }
        doings.credits.clear();
    }
}

type Dead<'a> =
    (&'a StableId, &'a Side, &'a Kit, &'a mut Place, &'a mut Gait, &'a mut Vitals, &'a mut Life);

/// Puts fighters whose time is up onto an entry of their side, and pets to their owner once it
/// is there.
pub(super) fn give_back(
    (clock, rules): Sight<'_>,
    field: Res<Field>,
    mut fighters: Query<Dead<'_>, Without<Pet>>,
    mut pets: Query<Dead<'_>, With<Pet>>,
) {
    for (id, side, kit, mut place, mut gait, mut vitals, mut life) in &mut fighters {
        if lives::is_due(clock.0, *life) {
            let at = lives::entry_of(clock.0, &rules, id.0, side.0);
            lives::revive(kit, at, (&mut *place, &mut *gait), (&mut *vitals, &mut *life));
        }
    }
    for (id, _, kit, mut place, mut gait, mut vitals, mut life) in &mut pets {
        if lives::is_due(clock.0, *life)
            && let Some(owner) = field.find(pets::owner_of(id.0))
        {
            lives::revive(kit, owner.at, (&mut *place, &mut *gait), (&mut *vitals, &mut *life));
        }
    }
}

/// A unit as others see it.
pub(super) const fn body_of(id: StableId, side: Side, kit: &Kit, place: Place) -> Body {
    Body { id: id.0, side: side.0, at: place.at(), radius_mm: kit.radius_mm }
}
