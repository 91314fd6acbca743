//! The stages of a tick over a World: loops around the rules, nothing else. `twin` has the same
//! loops over vectors.
//!
//! There are few systems, each with several loops: where a thousand battles take turns, what a
//! system and a query keep for themselves is no longer in the cache when it is looked at again.

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
use super::scratch::{Body, Doings, Scene, Scratch, Spawn};
use super::skills::{self, Actor};
use super::state::{Clock, Kit, Rules, Side, StableId};

/// What all systems may look at.
type Sight<'w> = (Res<'w, Clock>, Res<'w, Rules>);

type Walkers<'a> = (
    (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Afflictions),
    (&'a mut Place, &'a mut Gait),
    Option<&'a mut Skills>,
);

/// Begins the tick. Moves the fighters and lists those that live, then the pets.
pub(super) fn travel(
    (mut clock, rules): (ResMut<Clock>, Res<Rules>),
    mut scratch: ResMut<Scratch>,
    mut units: Query<Walkers<'_>>,
) {
    clock.0 += 1;
    let Scratch { orders, field, .. } = &mut *scratch;
    field.0.clear();
    for ((&id, side, kit, life, afflictions), (mut place, mut gait), skills) in &mut units {
        if *life == Life::Alive
            && let Some(mut skills) = skills
        {
            let (skills, place, gait) = (&mut *skills, &mut *place, &mut *gait);
            let walker = Walker { kit, afflictions, skills, place, gait };
            moving::walk(clock.0, &rules, orders.of(id), walker);
            field.0.push(body_of(id, *side, kit, *place));
        }
    }
    field.0.sort_unstable_by_key(|body| body.id);
    // Pets look at fighters alone, which come first: how those behind them stand is no matter yet.
    for ((&id, side, kit, life, afflictions), (mut place, mut gait), skills) in &mut units {
        if *life == Life::Alive && skills.is_none() {
            let (place, gait) = (&mut *place, &mut *gait);
            let follower = Follower { id: id.0, side: side.0, kit, afflictions, place, gait };
            pets::follow(Scene { tick: clock.0, rules: &rules, field }, follower);
            field.0.push(body_of(id, *side, kit, *place));
        }
    }
    field.0.sort_unstable_by_key(|body| body.id);
}

type Shots<'w, 's> =
    Query<'w, 's, (Entity, &'static mut Shot, &'static mut Place, &'static mut Gait)>;
type Areas<'w, 's> = Query<'w, 's, (Entity, &'static mut Area, &'static Place), Without<Shot>>;
type Actors<'a> = (
    (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Place, &'a Afflictions),
    (&'a mut Vitals, Option<&'a mut Skills>, Option<&'a mut Pet>),
);

/// Projectiles fly, fighters use their skills, pets bite, fires burn, areas take effect. What was
/// shot and laid comes to be, up to [`SPAWNS_MAX`]; of more, nothing is seen.
pub(super) fn act(
    (clock, rules): Sight<'_>,
    (mut scratch, mut next): (ResMut<Scratch>, ResMut<NextId>),
    (mut shots, mut areas): (Shots<'_, '_>, Areas<'_, '_>),
    mut units: Query<Actors<'_>, Without<Shot>>,
    mut commands: Commands<'_, '_>,
) {
    let Scratch { orders, field, doings } = &mut *scratch;
    let scene = Scene { tick: clock.0, rules: &rules, field };
    let mut there = areas.iter().count();
    for (entity, mut shot, mut place, mut gait) in &mut shots {
        if flying::fly(scene, &mut shot, (&mut *place, &mut *gait), doings) {
            there += 1;
        } else {
            commands.entity(entity).despawn();
        }
    }
    for ((&id, side, kit, life, &place, afflictions), (mut vitals, skills, pet)) in &mut units {
        if *life != Life::Alive {
            continue;
        }
        lives::burn(scene, id.0, afflictions, &mut doings.blows);
        if let Some(mut skills) = skills {
            let (vitals, skills) = (&mut *vitals, &mut *skills);
            let actor = Actor { id: id.0, side: side.0, kit, place, afflictions, vitals, skills };
            skills::act(scene, orders.of(id), actor, doings);
        }
        if let Some(mut pet) = pet
            && scene.tick > afflictions.stun_until
        {
            pets::bite(scene, (id.0, side.0, kit), (place, &mut *pet), doings);
        }
    }
    for (entity, mut area, place) in &mut areas {
        if !flying::pulse(scene, &mut area, *place, doings) {
            commands.entity(entity).despawn();
        }
    }
    spawn(&mut doings.spawns, SPAWNS_MAX.saturating_sub(there), &mut next, &mut commands);
}

fn spawn(
    spawns: &mut Vec<(Place, Spawn)>,
    room: usize,
    next: &mut NextId,
    commands: &mut Commands<'_, '_>,
) {
    spawns.sort_unstable_by_key(|(_, spawn)| spawn.owner());
    for (place, spawn) in spawns.drain(..).take(room) {
        let id = StableId(next.0);
        match spawn {
            Spawn::Shot(shot) => commands.spawn((id, shot, place, Gait::default())),
            Spawn::Area(area) => commands.spawn((id, area, place)),
        };
        next.0 = next.0.saturating_add(1);
    }
}

type Units<'a> = (
    (&'a StableId, &'a Side, &'a Kit),
    (&'a mut Place, &'a mut Gait),
    (&'a mut Vitals, &'a mut Afflictions, &'a mut Life),
    Option<(&'a mut Skills, &'a mut Harm, &'a mut Tally)>,
);

/// The blows of the tick take effect, points are captured and score, everybody's tally is brought
/// up to date; then the dead return.
pub(super) fn resolve(
    (clock, rules): Sight<'_>,
    mut score: ResMut<Score>,
    mut scratch: ResMut<Scratch>,
    mut units: Query<Units<'_>>,
    mut points: Query<(&StableId, &mut Point)>,
) {
    let Scratch { field, doings: Doings { blows, credits, .. }, .. } = &mut *scratch;
    let scene = Scene { tick: clock.0, rules: &rules, field };
    if !blows.is_empty() {
        blows.sort_unstable();
        for ((id, side, kit), _, (mut vitals, mut afflictions, mut life), mut own) in &mut units {
            let at = lives::blows_at(blows, id.0);
            if *life != Life::Alive || at.is_empty() {
                continue;
            }
            if let Some((_, harm, _)) = &mut own {
                lives::remember(scene.tick, at, harm);
            }
            let (vitals, afflictions, life) = (&mut *vitals, &mut *afflictions, &mut *life);
            let struck = Struck { id: id.0, kit, vitals, afflictions, life };
            if let Some(killer) = lives::suffer(scene, at, struck, credits)
                && let Some((skills, harm, tally)) = &mut own
            {
                let own = (&mut **harm, &mut **skills, &mut **tally);
                lives::fall(scene, (killer, side.0), own, (&mut *score, &mut *credits));
            }
        }
        blows.clear();
    }
    for (id, mut point) in &mut points {
        if let Some(circle) = rules.point(id.0) {
            objective::capture(scene, circle, &mut point, credits);
            objective::score(scene, point.holder, &mut score);
        }
    }
    for ((id, side, kit), (mut place, mut gait), (mut vitals, _, mut life), own) in &mut units {
        let is_fighter = own.is_some();
        if let Some((_, _, mut tally)) = own
            && !credits.is_empty()
        {
            lives::tell(id.0, credits, &mut tally);
        }
        if !lives::is_due(scene.tick, *life) {
            continue;
        }
        let at = if is_fighter {
            Some(lives::entry_of(scene.tick, &rules, id.0, side.0))
        } else {
            scene.field.find(pets::owner_of(id.0)).map(|owner| owner.at)
        };
        if let Some(at) = at {
            lives::revive(kit, at, (&mut *place, &mut *gait), (&mut *vitals, &mut *life));
        }
    }
    credits.clear();
}

/// A unit as others see it.
pub(super) const fn body_of(id: StableId, side: Side, kit: &Kit, place: Place) -> Body {
    Body { id: id.0, side: side.0, at: place.at(), radius_mm: kit.radius_mm }
}
