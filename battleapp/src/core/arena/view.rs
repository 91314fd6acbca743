//! What a class of clients sees: its own side, what that side sees of the other, and the points.

use bevy_ecs::prelude::*;
use shared::content::{Delivery, Skill};
use shared::msg::snapshot::{
    AreaView, FighterView, PetView, PointView, ProjectileView, Snapshot, UNIT_MM,
};

use super::components::{Afflictions, Area, Life, Place, Point, Score, Shot, Skills, Vitals};
use super::pets::owner_of;
use super::state::{Clock, FIRST_PET_ID, FIRST_SPAWN_ID, Kit, Rules, Side, Species};
use super::vision::{Eye, Target, visible};

/// Walks slower.
pub const EFFECT_SLOW: u32 = 1;
/// Neither walks nor uses skills.
pub const EFFECT_STUN: u32 = 2;
/// Takes damage again and again.
pub const EFFECT_BURN: u32 = 4;
/// Is leaping.
pub const EFFECT_LEAP: u32 = 8;

type Row = (u32, Entity);

/// The view of a class: side 0, side 1, or whoever sees all.
pub(super) fn of(world: &World, entities: &[Row], class: u16) -> Snapshot {
    let rules = world.resource::<Rules>();
    let side = u8::try_from(class).ok().filter(|side| *side <= 1);
    let eyes = side.map(|side| eyes_of(world, entities, side)).unwrap_or_default();
    let is_seen = |row: &Row| {
        let (Some(side), Some(target)) = (side, target_of(world, *row)) else { return true };
        visible(&rules.ground, side, &eyes, target)
    };
    let tick = world.resource::<Clock>().0;
    let mut view = Snapshot {
        tick,
        ticks_left: rules.ticks_max.saturating_sub(tick),
        unit_mm: UNIT_MM,
        score: world.resource::<Score>().0,
        rows: Vec::with_capacity(entities.len()),
    };
    for &row in entities.iter().filter(|row| is_seen(row)) {
        put(&mut view, world, row);
    }
    view.sort();
    view
}

/// The living fighters and pets of a side.
fn eyes_of(world: &World, entities: &[Row], side: u8) -> Vec<Eye> {
    let sight_mm = world.resource::<Rules>().sight_mm;
    let eye = |(_, entity): &Row| {
        let lives = world.get::<Life>(*entity) == Some(&Life::Alive);
        let own = world.get::<Side>(*entity).is_some_and(|of| of.0 == side);
        let at = world.get::<Place>(*entity)?.at();
        (lives && own).then_some(Eye { at, side, sight_mm })
    };
    entities.iter().filter_map(eye).collect()
}

/// What a side may or may not see; `None` for what is open to all.
fn target_of(world: &World, (_, entity): Row) -> Option<Target> {
    let origin = world.get::<Shot>(entity).map(|shot| shot.origin);
    let origin = origin.or_else(|| world.get::<Area>(entity).map(|area| area.origin));
    let side = match origin {
        Some(origin) => origin.side,
        None => world.get::<Side>(entity)?.0,
    };
    let at = world.get::<Place>(entity)?.at();
    Some(Target { at, side })
}

fn put(view: &mut Snapshot, world: &World, (id, entity): Row) {
    let place = world.get::<Place>(entity).copied().unwrap_or_default();
    if let Some(shot) = world.get::<Shot>(entity) {
        view.put(&ProjectileView {
            id: spawned_id(id),
            x_mm: place.x_mm,
            y_mm: place.y_mm,
            towards: shot.towards,
            owner: narrow(shot.origin.owner),
            look: shot.origin.skill,
        });
    } else if let Some(area) = world.get::<Area>(entity) {
        let skill = world.resource::<Rules>().skill(usize::from(area.origin.skill));
        let Some(&Skill { delivery: Delivery::Area { radius_mm, .. }, .. }) = skill else {
            return;
        };
        view.put(&AreaView {
            id: spawned_id(id),
            x_mm: place.x_mm,
            y_mm: place.y_mm,
            radius_mm,
            look: area.origin.skill,
            owner: narrow(area.origin.owner),
        });
    } else if let Some(point) = world.get::<Point>(entity) {
        view.put(&point_view(world.resource::<Rules>(), id, *point));
    } else if id >= FIRST_PET_ID {
        let species = world.get::<Species>(entity).map_or(0, |species| species.0);
        let (hp_permille, _) = permille(world, entity);
        // A dead pet is nowhere.
        if hp_permille > 0 {
            view.put(&PetView {
                id: narrow(id),
                x_mm: place.x_mm,
                y_mm: place.y_mm,
                hp_permille,
                owner: narrow(owner_of(id)),
                species,
            });
        }
    } else {
        view.put(&fighter_view(world, (id, entity), place));
    }
}

fn fighter_view(world: &World, (id, entity): Row, place: Place) -> FighterView {
    let tick = world.resource::<Clock>().0;
    let skills = world.get::<Skills>(entity).copied().unwrap_or_default();
    let suffers = world.get::<Afflictions>(entity).copied().unwrap_or_default();
    let bits = [
        (tick < suffers.slow_until, EFFECT_SLOW),
        (tick < suffers.stun_until, EFFECT_STUN),
        (tick < suffers.burn_until, EFFECT_BURN),
        (skills.leaping > 0, EFFECT_LEAP),
    ];
    let (hp_permille, shield_permille) = permille(world, entity);
    FighterView {
        slot: narrow(id),
        x_mm: place.x_mm,
        y_mm: place.y_mm,
        hp_permille,
        shield_permille,
        effects: bits.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum(),
        casting: skills.casting.checked_sub(1),
        ready: skills.ready,
        ..FighterView::default()
    }
}

/// Hit points and shield in thousandths of the most hit points, rounded up.
fn permille(world: &World, entity: Entity) -> (u16, u16) {
    let tick = world.resource::<Clock>().0;
    let vitals = world.get::<Vitals>(entity).copied().unwrap_or_default();
    let most = world.get::<Kit>(entity).map_or(1, |kit| i64::from(kit.hp_max.max(1)));
    let share = |points: i32| {
        let permille = (i64::from(points) * 1_000 + most - 1) / most;
        u16::try_from(permille.clamp(0, 1_000)).unwrap_or(0)
    };
    let shield = if tick < vitals.shield_until { vitals.shield } else { 0 };
    (share(vitals.hp), share(shield))
}

fn point_view(rules: &Rules, id: u32, point: Point) -> PointView {
    let ((x_mm, y_mm), radius_mm) = rules.point(id).unwrap_or_default();
    let progress = i64::from(point.progress) * 1_000 / i64::from(rules.capture.ticks.max(1));
    PointView {
        id: narrow(id),
        x_mm,
        y_mm,
        progress_permille: i16::try_from(progress.clamp(-1_000, 1_000)).unwrap_or(0),
        holder: point.holder.checked_sub(1),
        radius_mm,
    }
}

/// Never the number of anything else, and another one for the next 65,000 of a battle.
fn spawned_id(id: u32) -> u16 {
    narrow(FIRST_SPAWN_ID + (id - FIRST_SPAWN_ID) % (0x1_0000 - FIRST_SPAWN_ID))
}

fn narrow(id: u32) -> u16 {
    u16::try_from(id).unwrap_or(u16::MAX)
}
