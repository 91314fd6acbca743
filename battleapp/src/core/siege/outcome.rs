//! How everything that was done in a tick takes effect, all at once.

use bevy_ecs::prelude::*;

use super::super::sim::Order;
use super::Siege;
use super::field::index;
use super::state::{Clock, KeepHp, Tally};

/// Takes hit points; players who have none left wait for their return, monsters are gone.
pub(super) fn resolve(siege: &mut Siege, _orders: &[Order]) {
    let Siege { world, rules, field, entities, fighters, beasts } = siege;
    let tick = world.resource::<Clock>().0;
    let mut fallen = 0;
    for (id, mut fighter) in fighters.iter_mut(world) {
        let hurt = field.fighters_hurt.get(index(id.0)).copied().unwrap_or(0);
        if hurt == 0 || fighter.back != 0 {
            continue;
        }
        fighter.hp = fighter.hp.saturating_sub(hurt).max(0);
        if fighter.hp == 0 {
            fighter.back = tick.saturating_add(rules.respawn_ticks);
            fallen += 1;
        }
    }
    let mut dead: Vec<(u32, Entity)> = Vec::new();
    let mut boss_killed = false;
    for (entity, id, mut beast) in beasts.iter_mut(world) {
        let place = field.beasts.binary_search_by_key(&id.0, |beast| beast.id);
        let hurt = place.ok().and_then(|place| field.beasts_hurt.get(place)).copied().unwrap_or(0);
        if hurt == 0 {
            continue;
        }
        beast.hp = beast.hp.saturating_sub(hurt).max(0);
        if beast.hp == 0 {
            boss_killed |= rules.is_boss(beast.kind);
            dead.push((id.0, entity));
        }
    }
    if !dead.is_empty() {
        dead.sort_unstable_by_key(|(id, _)| *id);
        entities.retain(|(id, _)| dead.binary_search_by_key(id, |(dead, _)| *dead).is_err());
        for (_, entity) in &dead {
            world.despawn(*entity);
        }
    }
    let mut tally = world.resource_mut::<Tally>();
    tally.killed = tally.killed.saturating_add(u32::try_from(dead.len()).unwrap_or(0));
    tally.fallen = tally.fallen.saturating_add(fallen);
    tally.boss_killed |= u8::from(boss_killed);
    let mut keep = world.resource_mut::<KeepHp>();
    keep.0 = keep.0.saturating_sub(field.keep_hurt).max(0);
}
