//! What happens to guilds by time alone.

use bevy_ecs::prelude::World;

use shared::ids::GuildId;

use super::components::{Guilds, LastUsed, Tenancy};
use super::index::Index;
use super::keys;
use super::{IDLE_MS, ROUTINE_MS};
use crate::core::border::Border;

/// Levels for the status page.
pub(crate) struct Levels {
    /// Guilds held or on their way.
    pub(crate) open: u64,
    /// Guilds with members in the index.
    pub(crate) known: u64,
}

/// How many guilds there are.
pub(crate) fn levels(world: &World) -> Levels {
    let held = world.resource::<Guilds>().held.len();
    Levels {
        open: u64::try_from(held).unwrap_or(u64::MAX),
        known: world.resource::<Index>().founded(),
    }
}

/// Looks for mail whose word was lost, and sweeps outboxes that nobody empties.
pub(super) fn look_routinely(world: &mut World) {
    let border = world.resource::<Border>();
    let now = border.now;
    if !border.has_passed(world.resource::<Guilds>().looked, ROUTINE_MS) {
        return;
    }
    world.resource_mut::<Guilds>().looked = now;
    let held: Vec<GuildId> = world.resource::<Guilds>().held.keys().copied().collect();
    for guild in held {
        keys::look_for_mail(world, guild);
    }
    let mut border = world.resource_mut::<Border>();
    let Border { keeper, outputs, .. } = &mut *border;
    keeper.sweep(outputs);
}

/// Gives back guilds that nobody needs.
pub(super) fn release_idle(world: &mut World) {
    let border = world.resource::<Border>();
    let held = world.resource::<Guilds>().held.iter();
    let idle: Vec<GuildId> = held
        .filter(|(_, entity)| match world.get::<Tenancy>(**entity) {
            Some(Tenancy::Open | Tenancy::Damaged) => true,
            Some(Tenancy::Opening) | None => false,
        })
        .filter(|(_, entity)| match world.get::<LastUsed>(**entity) {
            Some(LastUsed(Some(used))) => border.has_passed(*used, IDLE_MS),
            Some(LastUsed(None)) | None => true,
        })
        .map(|(guild, _)| *guild)
        .collect();
    for guild in idle {
        keys::release(world, guild);
    }
}
