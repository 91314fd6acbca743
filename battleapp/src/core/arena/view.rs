//! What a class of clients sees: its own side, what that side sees of the other, and the points.

use bevy_ecs::prelude::*;
use shared::content::{Delivery, Skill};
use shared::msg::snapshot::{
    AreaView, FighterView, PetView, PointView, ProjectileView, Snapshot, UNIT_MM,
};

use super::components::{
    Afflictions, Area, Life, Origin, Place, Point, Score, Shot, Skills, Vitals,
};
use super::pets::owner_of;
use super::state::{Clock, FIRST_SPAWN_ID, Kit, Rules, Side, Species, StableId};
use super::vision::{Eye, Target, visible};

/// Walks slower.
pub const EFFECT_SLOW: u32 = 1;
/// Neither walks nor uses skills.
pub const EFFECT_STUN: u32 = 2;
/// Takes damage again and again.
pub const EFFECT_BURN: u32 = 4;
/// Is leaping.
pub const EFFECT_LEAP: u32 = 8;

type Unit<'a> = (
    (&'a StableId, &'a Side, &'a Kit, &'a Life, &'a Place),
    (&'a Vitals, &'a Afflictions),
    (Option<&'a Skills>, Option<&'a Species>),
);

/// Makes views of one battle's World.
pub(super) struct Viewer {
    units: QueryState<Unit<'static>>,
    shots: QueryState<(&'static StableId, &'static Place, &'static Shot)>,
    areas: QueryState<(&'static StableId, &'static Place, &'static Area)>,
    points: QueryState<(&'static StableId, &'static Point)>,
    /// The living fighters and pets of the side that looks; kept for its memory.
    eyes: Vec<Eye>,
}

impl Viewer {
    pub(super) fn new(world: &mut World) -> Self {
        let (units, shots) = (world.query(), world.query());
        let (areas, points) = (world.query(), world.query());
        Self { units, shots, areas, points, eyes: Vec::new() }
    }

    /// Puts what a class sees into an empty view: side 0, side 1, or whoever sees all.
    pub(super) fn view(&mut self, world: &World, class: u16, view: &mut Snapshot) {
        let (rules, tick) = (world.resource::<Rules>(), world.resource::<Clock>().0);
        view.tick = tick;
        view.ticks_left = rules.ticks_max.saturating_sub(tick);
        view.unit_mm = UNIT_MM;
        view.score = world.resource::<Score>().0;
        let side = u8::try_from(class).ok().filter(|side| *side <= 1);
        let sight_mm = rules.sight_mm;
        self.eyes.clear();
        for ((_, of, _, life, place), ..) in self.units.iter(world) {
            if *life == Life::Alive && side == Some(of.0) {
                self.eyes.push(Eye { at: place.at(), side: of.0, sight_mm });
            }
        }
        let is_seen = |of: u8, place: &Place| {
            let target = Target { at: place.at(), side: of };
            side.is_none_or(|side| visible(&rules.ground, side, &self.eyes, target))
        };
        for unit in self.units.iter(world) {
            let ((_, of, _, _, place), ..) = unit;
            if is_seen(of.0, place) {
                put_unit(view, tick, unit);
            }
        }
        for (id, place, shot) in self.shots.iter(world) {
            if is_seen(shot.origin.side, place) {
                put_shot(view, *id, *place, shot);
            }
        }
        for (id, place, area) in self.areas.iter(world) {
            if is_seen(area.origin.side, place) {
                put_area(view, rules, *id, *place, area.origin);
            }
        }
        for (id, point) in self.points.iter(world) {
            view.put(&point_view(rules, id.0, *point));
        }
        view.sort();
    }
}

fn put_unit(
    view: &mut Snapshot,
    tick: u32,
    ((id, _, kit, _, place), (vitals, suffers), (skills, species)): Unit<'_>,
) {
    let most = i64::from(kit.hp_max.max(1));
    // In thousandths of the most hit points, rounded up.
    let share = |points: i32| {
        let permille = (i64::from(points) * 1_000 + most - 1) / most;
        u16::try_from(permille.clamp(0, 1_000)).unwrap_or(0)
    };
    let hp_permille = share(vitals.hp);
    if let Some(skills) = skills {
        let bits = [
            (tick < suffers.slow_until, EFFECT_SLOW),
            (tick < suffers.stun_until, EFFECT_STUN),
            (tick < suffers.burn_until, EFFECT_BURN),
            (skills.leaping > 0, EFFECT_LEAP),
        ];
        view.put(&FighterView {
            slot: narrow(id.0),
            x_mm: place.x_mm,
            y_mm: place.y_mm,
            hp_permille,
            shield_permille: share(if tick < vitals.shield_until { vitals.shield } else { 0 }),
            effects: bits.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum(),
            casting: skills.casting.checked_sub(1),
            ready: skills.ready,
            ..FighterView::default()
        });
    } else if hp_permille > 0 {
        // A dead pet is nowhere.
        view.put(&PetView {
            id: narrow(id.0),
            x_mm: place.x_mm,
            y_mm: place.y_mm,
            hp_permille,
            owner: narrow(owner_of(id.0)),
            species: species.map_or(0, |species| species.0),
        });
    }
}

fn put_shot(view: &mut Snapshot, id: StableId, place: Place, shot: &Shot) {
    view.put(&ProjectileView {
        id: spawned_id(id.0),
        x_mm: place.x_mm,
        y_mm: place.y_mm,
        towards: shot.towards,
        owner: narrow(shot.origin.owner),
        look: shot.origin.skill,
    });
}

fn put_area(view: &mut Snapshot, rules: &Rules, id: StableId, place: Place, origin: Origin) {
    let skill = rules.skill(usize::from(origin.skill));
    let Some(&Skill { delivery: Delivery::Area { radius_mm, .. }, .. }) = skill else { return };
    view.put(&AreaView {
        id: spawned_id(id.0),
        x_mm: place.x_mm,
        y_mm: place.y_mm,
        radius_mm,
        look: origin.skill,
        owner: narrow(origin.owner),
    });
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
