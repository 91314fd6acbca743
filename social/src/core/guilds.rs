//! Guilds: rosters that change by mail.
//!
//! A guild whose key is held here is an entity. Applications and departures come through the
//! guild's mailbox; the roster, the answer to the player and the removal of the mail are one
//! commit, so rosters and members agree whatever crashes. A guild that nobody needs is given
//! back. Who reads a roster is told which members can be reached: the lobby tells their presence,
//! which is followed for as long as rosters are read. A guild without members keeps its record and
//! can be founded again under its name.

mod components;
mod following;
mod index;
mod keys;
mod mail;
pub(super) mod roster;
mod stored;
mod systems;

use bevy_ecs::prelude::{IntoScheduleConfigs, Schedule, World};

use shared::limits::{GUILD_MEMBERS_MAX, MAIL_BYTES_MAX, PART_BYTES_MAX};
use shared::replication::SUBSCRIPTIONS_PER_SUBSCRIBER_MAX;
use shared::store::PartId;

use super::border::Border;
use super::stage::Stage;

pub(crate) use components::What;
pub(crate) use following::{lobby_said, mind_lobby, question_unsent};

pub(crate) use index::{is_page, list, page_came, patrol_again};
pub(crate) use keys::{
    answer_waiting, keeper_said, mail_waiting, members_told, read, release_all, resume,
};
pub use stored::StoredGuild;
pub(crate) use systems::levels;

/// The roster; see [`roster::Roster`].
pub(crate) const PART_ROSTER: PartId = PartId(1);
/// Mail that could not be applied: `wire` bytes of a list of byte strings, oldest first.
pub(crate) const PART_QUARANTINE: PartId = PartId(2);

/// Guilds held at once. For a further one reads are refused with `Busy`; its mail waits.
pub(crate) const GUILDS_HELD_MAX: usize = 20_000;
/// Guilds remembered for a later attempt to open them. Further ones wait for the next word of
/// their mail.
pub(crate) const GUILDS_LATER_MAX: usize = 100_000;
/// Guilds in the index. Further ones are not listed, and reads of unknown ids ask the store.
pub(crate) const GUILDS_INDEXED_MAX: usize = 1_000_000;
/// Readers that wait for one guild to be opened, or for its members' presence. A further one is
/// refused with `Busy`.
pub(crate) const READERS_MAX: usize = 256;
/// Mails in quarantine. The oldest is dropped for a further one.
pub(crate) const QUARANTINE_ENTRIES_MAX: usize = 32;
/// Guilds in one answer to `ListGuilds`.
pub(crate) const LISTED_MAX: usize = 20;
/// Guilds looked at for one answer to `ListGuilds`.
pub(crate) const LIST_SCAN_MAX: usize = 200;
/// Guilds that one patrol step opens to see whether mail waits.
pub(crate) const PATROL_KEYS_PER_S: usize = 100;
/// A guild not used for this long is given back.
pub(crate) const IDLE_MS: u64 = 60_000;
/// How long to wait before a key that could not be opened is tried again.
pub(crate) const RETRY_MS: u64 = 5_000;
/// Held guilds that look for mail of which the word was lost, per second and in turn.
pub(crate) const ROUTINE_LOOKS_PER_S: usize = 500;
/// Guilds per second that are tried again.
pub(crate) const RETRIED_KEYS_PER_S: usize = 500;
/// How old the index may be where several nodes look after guilds.
pub(crate) const INDEX_MS: u64 = 30_000;
/// How often outboxes that nobody else empties are swept.
pub(crate) const SWEEP_MS: u64 = 5_000;
/// Members of read guilds whose presence is followed. That of further ones is unknown.
pub(crate) const FOLLOWED_MAX: usize = 65_536;
/// Members who are begun to be followed in one tick. The others wait for the next.
pub(crate) const FOLLOWS_PER_TICK_MAX: usize = 4_096;
/// How long readers of a roster wait for the presence of members who are newly followed, from when
/// the first reader asked. Then the rest is unknown.
pub(crate) const PRESENCE_MS_MAX: u64 = 250;
/// A roster not read for this long is not followed any more.
pub(crate) const UNREAD_MS: u64 = 60_000;

const _: () = assert!(FOLLOWED_MAX <= SUBSCRIPTIONS_PER_SUBSCRIBER_MAX);
const _: () = assert!(GUILD_MEMBERS_MAX <= FOLLOWS_PER_TICK_MAX);
const _: () = assert!(QUARANTINE_ENTRIES_MAX * (MAIL_BYTES_MAX + 16) < PART_BYTES_MAX);

/// Adds the feature.
pub(crate) fn install(world: &mut World, each_second: &mut Schedule) {
    let rate = world.resource::<Border>().rate;
    world.insert_resource(components::Guilds::default());
    world.insert_resource(following::Following::new(rate));
    world.insert_resource(index::Index::default());
    each_second.add_systems(
        (
            index::load_index,
            index::patrol,
            keys::open_later,
            systems::look_routinely,
            systems::sweep,
            systems::release_idle,
            following::each_second,
        )
            .chain()
            .in_set(Stage::Guilds),
    );
}
