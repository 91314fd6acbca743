//! What a held guild consists of, and how to find it.

use std::collections::BTreeMap;

use bevy_ecs::prelude::{Component, Entity, Resource};

use shared::ids::{GuildId, RequestId, SessionRef};
use shared::tick::Tick;

/// What the guild is called outside of this crate.
#[derive(Clone, Copy, Debug, Component)]
pub(crate) struct Label(pub(crate) GuildId);

/// How far the key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Component)]
pub(crate) enum Tenancy {
    /// The keeper acquires the key.
    Opening,
    /// The key is held.
    Open,
    /// The key is held, but its roster cannot be read: mail waits, readers are refused.
    Damaged,
}

/// Mail that could not be applied, oldest first; at most `QUARANTINE_ENTRIES_MAX`.
#[derive(Clone, Debug, Default, Component)]
pub(crate) struct Quarantine(pub(crate) Vec<Vec<u8>>);

/// Who waits for the guild to be opened, or for its members' presence; at most `READERS_MAX`.
#[derive(Clone, Debug, Default, Component)]
pub(crate) struct Readers(pub(crate) Vec<Reader>);

/// A session that wants to read a guild.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    /// Where the answer goes.
    pub(crate) session: SessionRef,
    /// The request.
    pub(crate) id: RequestId,
    /// What is read.
    pub(crate) what: What,
}

/// What is read of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Who is in it.
    Members,
    /// Who is in it, and which of them can be reached.
    Roster,
}

/// When the guild was last needed; `None`: it can be given back at once.
#[derive(Clone, Copy, Debug, Component)]
pub(crate) struct LastUsed(pub(crate) Option<Tick>);

/// Finds guilds.
#[derive(Debug, Default, Resource)]
pub(crate) struct Guilds {
    /// The entity of each held guild; at most `GUILDS_HELD_MAX`.
    pub(crate) held: BTreeMap<GuildId, Entity>,
    /// Guilds to open at a later tick; at most `GUILDS_LATER_MAX`.
    pub(crate) later: BTreeMap<GuildId, Tick>,
    /// Up to where the held guilds have looked for mail routinely; `None`: begin again.
    pub(crate) looked_to: Option<GuildId>,
    /// When outboxes were last swept.
    pub(crate) swept: Tick,
}
