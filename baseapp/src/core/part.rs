//! Persistence: every component of a player that lasts is one part of the record.
//!
//! Change detection finds what a tick has changed; one generic system per component stages it.
//! The stored bytes are one byte of schema version, then the `wire` bytes of a row type that is
//! written out beside the component, so that refactoring a component cannot change them.

use bevy_ecs::component::Mutable;
use bevy_ecs::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use shared::core::Output;
use shared::ids::{Key, PlayerId};
use shared::limits::PART_BYTES_MAX;
use shared::ownership::{Change, Keeper};
use shared::store::{PartId, Post};
use shared::wire;

use super::account::Account;
use super::stage::Stage;

/// A component that is stored.
pub(super) trait Part: Component<Mutability = Mutable> + Sized {
    /// Its place in the record. Never reused for something else.
    const ID: PartId;
    /// Version of the row; a record with a newer one is not loaded.
    const SCHEMA: u8;
    /// What is stored.
    type Row: Serialize + DeserializeOwned;
    /// The row of the component.
    fn to_row(&self) -> Self::Row;
    /// The component of a row.
    fn from_row(row: Self::Row) -> Self;

    /// The stored bytes.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![Self::SCHEMA];
        bytes.extend(wire::encode(&self.to_row()));
        bytes
    }

    /// Reads the part from a record; `None` if the record does not have it.
    fn load(parts: &[(PartId, Vec<u8>)]) -> Result<Option<Self>, PartError> {
        let Some((_, bytes)) = parts.iter().find(|(id, _)| *id == Self::ID) else {
            return Ok(None);
        };
        match bytes.split_first() {
            Some((&schema, row)) if schema == Self::SCHEMA => wire::decode(row, PART_BYTES_MAX)
                .map(|row| Some(Self::from_row(row)))
                .map_err(|error| PartError::Damaged { part: Self::ID, error }),
            Some((&schema, _)) => Err(PartError::Schema { part: Self::ID, schema }),
            None => Err(PartError::Schema { part: Self::ID, schema: 0 }),
        }
    }
}

/// A stored part that this build cannot read.
#[derive(Debug, Error)]
pub(super) enum PartError {
    #[error("part {part:?} does not read: {error}")]
    Damaged { part: PartId, error: wire::WireError },
    #[error("part {part:?} has schema {schema}, which this build does not know")]
    Schema { part: PartId, schema: u8 },
    #[error("part {part:?} is missing")]
    Missing { part: PartId },
}

/// What the tick has to commit and to answer. A resource of the world.
#[derive(Resource, Default)]
pub(super) struct Batch {
    changes: Vec<(PlayerId, Change)>,
    replies: Vec<(PlayerId, Output, Option<Output>)>,
}

impl Batch {
    /// Posts a mail from a player's outbox.
    pub(super) fn post(&mut self, from: PlayerId, post: Post) {
        let change = Change { posts: vec![post], ..Change::default() };
        self.changes.push((from, change));
    }

    /// Answers when everything changed so far for the player is durable; `otherwise` if that
    /// fails.
    pub(super) fn reply(&mut self, player: PlayerId, reply: Output, otherwise: Output) {
        self.replies.push((player, reply, Some(otherwise)));
    }

    /// Says something when everything changed so far for the player is durable; nothing if that
    /// fails.
    pub(super) fn tell(&mut self, player: PlayerId, event: Output) {
        self.replies.push((player, event, None));
    }

    /// Drops the changes of a player who was just loaded: they are stored already.
    pub(super) fn forget(&mut self, player: PlayerId) {
        self.changes.retain(|(of, _)| *of != player);
    }

    /// Whether something waits for the end of the tick.
    pub(super) const fn is_awaited(&self) -> bool {
        !self.changes.is_empty() || !self.replies.is_empty()
    }

    /// Stages all changes, then holds all replies.
    pub(super) fn hand_to(&mut self, keeper: &mut Keeper, outputs: &mut Vec<Output>) {
        for (player, change) in self.changes.drain(..) {
            keeper.stage(Key::Player(player), change);
        }
        for (player, reply, otherwise) in self.replies.drain(..) {
            keeper.hold(Key::Player(player), reply, otherwise, outputs);
        }
    }
}

/// Makes a component lasting.
pub(super) fn install<P: Part>(world: &mut World, tick: &mut Schedule) {
    world.init_resource::<Batch>();
    // All of them append to the batch, which is keyed by player and part: their order is nothing.
    tick.add_systems(stage_changed::<P>.in_set(Stage::Persist).ambiguous_with(Stage::Persist));
}

fn stage_changed<P: Part>(changed: Query<(&Account, &P), Changed<P>>, mut batch: ResMut<Batch>) {
    for (account, part) in &changed {
        let parts = vec![(P::ID, part.encode())];
        batch.changes.push((account.player, Change { parts, ..Change::default() }));
    }
}
