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
use shared::wire::{self, WireError};

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
    /// The row of an older schema as one of today; `None` if there never was such a schema. A part
    /// is written under the schema of today as soon as it changes.
    fn upgrade(_schema: u8, _row: &[u8]) -> Option<Result<Self::Row, WireError>> {
        None
    }

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
        let Some((&schema, row)) = bytes.split_first() else {
            return Err(PartError::Schema { part: Self::ID, schema: 0 });
        };
        let row = if schema == Self::SCHEMA {
            Some(wire::decode(row, PART_BYTES_MAX))
        } else {
            Self::upgrade(schema, row)
        };
        match row {
            Some(Ok(row)) => Ok(Some(Self::from_row(row))),
            Some(Err(error)) => Err(PartError::Damaged { part: Self::ID, error }),
            None => Err(PartError::Schema { part: Self::ID, schema }),
        }
    }
}

/// A stored part that this build cannot read.
#[derive(Debug, Error)]
pub(super) enum PartError {
    #[error("part {part:?} does not read: {error}")]
    Damaged { part: PartId, error: WireError },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Once a number of coins, now coins of two kinds.
    #[derive(Component, Debug, PartialEq, Eq)]
    struct Coins {
        silver: u32,
        gold: u32,
    }

    impl Part for Coins {
        const ID: PartId = PartId(200);
        const SCHEMA: u8 = 2;
        type Row = (u32, u32);

        fn to_row(&self) -> (u32, u32) {
            (self.silver, self.gold)
        }

        fn from_row((silver, gold): (u32, u32)) -> Self {
            Self { silver, gold }
        }

        fn upgrade(schema: u8, row: &[u8]) -> Option<Result<(u32, u32), WireError>> {
            (schema == 1).then(|| wire::decode(row, PART_BYTES_MAX).map(|silver: u32| (silver, 0)))
        }
    }

    fn load(bytes: Vec<u8>) -> Result<Option<Coins>, PartError> {
        Coins::load(&[(Coins::ID, bytes)])
    }

    #[test]
    fn a_row_of_an_older_schema_is_read_and_written_as_one_of_today() {
        let coins = load(vec![1, 7]).expect("schema 1 is known").expect("it is there");
        assert_eq!(coins, Coins { silver: 7, gold: 0 });
        assert_eq!(coins.encode(), [2, 7, 0]);
        assert_eq!(load(coins.encode()).expect("reads"), Some(coins));
    }

    #[test]
    fn a_row_of_an_unknown_schema_is_left_alone() {
        for schema in [0, 3] {
            let refused = load(vec![schema, 7]).expect_err("nobody knows it");
            assert!(matches!(refused, PartError::Schema { schema: found, .. } if found == schema));
        }
        assert!(matches!(load(vec![1]), Err(PartError::Damaged { .. })));
    }
}
