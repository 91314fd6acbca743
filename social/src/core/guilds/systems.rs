//! What happens to guilds by time alone.

use std::ops::Bound::{Excluded, Unbounded};

use bevy_ecs::prelude::World;

use shared::ids::{GuildId, Key, Role};

use super::components::{Guilds, LastUsed, Tenancy};
use super::following::Following;
use super::index::Index;
use super::keys;
use super::{IDLE_MS, ROUTINE_LOOKS_PER_S, SWEEP_MS};
use crate::core::border::Border;

/// Levels for the status page.
pub(crate) struct Levels {
    /// Guilds held or on their way.
    pub(crate) open: u64,
    /// Guilds with members in the index.
    pub(crate) known: u64,
    /// Members whose presence is followed or is to be.
    pub(crate) members_followed: u64,
    /// Losses of what the lobby told that were found since the role began.
    pub(crate) member_gaps: u64,
}

/// How many guilds there are.
pub(crate) fn levels(world: &World) -> Levels {
    let held = world.resource::<Guilds>().held.len();
    let following = world.resource::<Following>();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Levels {
        open: count(held),
        known: world.resource::<Index>().founded(),
        members_followed: count(following.count()),
        member_gaps: following.gaps(),
    }
}

/// Some of the held guilds look for mail whose word was lost; all of them in turn.
pub(super) fn look_routinely(world: &mut World) {
    let mut guilds = world.resource_mut::<Guilds>();
    let from = guilds.looked_to.map_or(Unbounded, Excluded);
    let rest = guilds.held.range((from, Unbounded));
    let step: Vec<GuildId> = rest.take(ROUTINE_LOOKS_PER_S).map(|(guild, _)| *guild).collect();
    guilds.looked_to = step.last().copied();
    for guild in step {
        keys::look_for_mail(world, guild);
    }
}

/// Sweeps outboxes that nobody else empties, now and then.
pub(super) fn sweep(world: &mut World) {
    let border = world.resource::<Border>();
    let now = border.now;
    if border.has_passed(world.resource::<Guilds>().swept, SWEEP_MS) {
        world.resource_mut::<Guilds>().swept = now;
        let mut border = world.resource_mut::<Border>();
        let Border { keeper, outputs, .. } = &mut *border;
        keeper.sweep(outputs);
    }
}

/// Gives back guilds that nobody needs, and those whose home is another node by now: readers ask
/// there.
pub(super) fn release_idle(world: &mut World) {
    let border = world.resource::<Border>();
    let held = world.resource::<Guilds>().held.iter();
    // Before this node is ready, everything would seem to be at home elsewhere.
    let is_ready = border.nodes.ready(Role::Social).any(|(address, _)| address == border.me);
    let is_away = |guild: &GuildId| {
        let home = border.nodes.home_of_key(Key::Guild(*guild));
        is_ready && home.is_some_and(|home| home != border.me)
    };
    let idle: Vec<GuildId> = held
        .filter(|(_, entity)| match world.get::<Tenancy>(**entity) {
            Some(Tenancy::Open | Tenancy::Damaged) => true,
            Some(Tenancy::Opening) | None => false,
        })
        .filter(|(guild, entity)| match world.get::<LastUsed>(**entity) {
            Some(LastUsed(Some(used))) => border.has_passed(*used, IDLE_MS) || is_away(guild),
            Some(LastUsed(None)) | None => true,
        })
        .map(|(guild, _)| *guild)
        .collect();
    for guild in idle {
        keys::release(world, guild);
    }
}
