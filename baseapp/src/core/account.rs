//! Who a player is and how that is proved; and which session speaks for the player now.

use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

use shared::ids::{PlayerId, SessionRef};
use shared::store::PartId;

use super::part::{self, Part};

/// The account behind a player.
#[derive(Component, Debug)]
pub(super) struct Account {
    pub(super) player: PlayerId,
    pub(super) name: String,
    pub(super) secret_hash: [u8; 32],
}

/// The session that speaks for the player, if there is one. Not stored.
#[derive(Component, Debug, Default)]
pub(super) struct Online(pub(super) Option<SessionRef>);

#[derive(Serialize, Deserialize)]
pub(super) struct AccountRow {
    player: PlayerId,
    name: String,
    secret_hash: [u8; 32],
}

impl Part for Account {
    const ID: PartId = PartId(1);
    const SCHEMA: u8 = 1;
    type Row = AccountRow;

    fn to_row(&self) -> AccountRow {
        let Self { player, name, secret_hash } = self;
        AccountRow { player: *player, name: name.clone(), secret_hash: *secret_hash }
    }

    fn from_row(row: AccountRow) -> Self {
        Self { player: row.player, name: row.name, secret_hash: row.secret_hash }
    }
}

pub(super) fn install(world: &mut World, tick: &mut Schedule) {
    part::install::<Account>(world, tick);
}
