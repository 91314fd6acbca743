//! Guild keys are opened, read and given back.

use bevy_ecs::prelude::{Entity, World};

use shared::core::Output;
use shared::ids::{GuildId, Key, PlayerId, RequestId, SessionRef};
use shared::limits::PART_BYTES_MAX;
use shared::msg::Body;
use shared::msg::client::{Presence, Reply};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::ownership::{KeeperEvent, LostReason};
use shared::store::Record;
use shared::tick::Tick;
use shared::wire;

use super::components::{Guilds, Label, LastUsed, Quarantine, Reader, Readers, Tenancy, What};
use super::following::{self, Following};
use super::index::{self, Index};
use super::mail;
use super::roster::Roster;
use super::{
    GUILDS_HELD_MAX, GUILDS_LATER_MAX, PART_QUARANTINE, READERS_MAX, RETRIED_KEYS_PER_S, RETRY_MS,
};
use crate::core::border::{Border, reply_frame};

/// There may be mail for a key.
pub(crate) fn mail_waiting(world: &mut World, key: Key) {
    let Key::Guild(guild) = key else {
        world.resource_mut::<Border>().counters.misdirected += 1;
        return;
    };
    if world.resource::<Border>().draining {
        tell_next_home(world, guild);
        return;
    }
    let now = world.resource::<Border>().now;
    if let Some(entity) = open(world, guild, Some(now)) {
        world.entity_mut(entity).insert(LastUsed(Some(now)));
        look_for_mail(world, guild);
    }
}

/// Answers a reader when what the reader sees is durable.
pub(crate) fn read(
    world: &mut World,
    (session, id): (SessionRef, RequestId),
    guild: GuildId,
    what: What,
) {
    let held = world.resource::<Guilds>().held.contains_key(&guild);
    let border = world.resource::<Border>();
    let home = border.nodes.home_of_key(Key::Guild(guild));
    if !held && home.is_some_and(|home| home != border.me) {
        let text = "the guild is looked after by another node";
        let refusal = Refusal::new(RefusalCode::Unavailable, text);
        world.resource_mut::<Border>().reply(session, id, Err(refusal));
        return;
    }
    if !held && !world.resource::<Index>().may_exist(guild) {
        world.resource_mut::<Border>().reply(session, id, Err(not_found()));
        return;
    }
    let now = world.resource::<Border>().now;
    let Some(entity) = open(world, guild, Some(now)) else {
        let refusal = Refusal::new(RefusalCode::Busy, "too many guilds are in use; try again");
        world.resource_mut::<Border>().reply(session, id, Err(refusal));
        return;
    };
    let reader = Reader { session, id, what };
    match world.get::<Tenancy>(entity).copied().expect("every guild has one") {
        Tenancy::Opening => wait(world, entity, reader),
        Tenancy::Open => serve(world, entity, reader),
        Tenancy::Damaged => answer(world, entity, reader),
    }
}

/// Readers of these guilds' rosters know as much of the members' presence as they will.
pub(crate) fn answer_waiting(world: &mut World) {
    for guild in following::mind(world) {
        let Some(&entity) = world.resource::<Guilds>().held.get(&guild) else { continue };
        for reader in take_readers(world, entity) {
            answer(world, entity, reader);
        }
    }
}

/// Everybody whose presence is followed here, and what readers are told of it.
pub(crate) fn members_told(world: &World) -> Vec<(PlayerId, Presence)> {
    let following = world.resource::<Following>();
    let players = following.players().into_iter();
    players.map(|player| (player, following.presence(player))).collect()
}

/// Answers a reader of an open guild, at once or when its members' presence is known.
fn serve(world: &mut World, entity: Entity, reader: Reader) {
    let guild = world.get::<Label>(entity).expect("every guild has a label").0;
    let roster = world.get::<Roster>(entity).filter(|roster| roster.is_founded());
    let waits = match (reader.what, roster) {
        (What::Roster, Some(roster)) => {
            let members = roster.members().collect();
            following::read(world, guild, &members)
        }
        (What::Roster, None) | (What::Members, _) => false,
    };
    if waits {
        let now = world.resource::<Border>().now;
        world.entity_mut(entity).insert(LastUsed(Some(now)));
        wait(world, entity, reader);
    } else {
        answer(world, entity, reader);
    }
}

fn wait(world: &mut World, entity: Entity, reader: Reader) {
    let mut readers = world.get_mut::<Readers>(entity).expect("every guild has them");
    if readers.0.len() < READERS_MAX {
        readers.0.push(reader);
        return;
    }
    let refusal = Refusal::new(RefusalCode::Busy, "too many wait for this guild");
    world.resource_mut::<Border>().reply(reader.session, reader.id, Err(refusal));
}

fn take_readers(world: &mut World, entity: Entity) -> Vec<Reader> {
    let readers = world.get_mut::<Readers>(entity).map(|mut readers| readers.0.split_off(0));
    readers.unwrap_or_default()
}

/// Begins to hold a guild, or finds it; `None` if too many are held. A guild opened as `used` at
/// no time is given back as soon as it is known that no mail waits.
pub(super) fn open(world: &mut World, guild: GuildId, used: Option<Tick>) -> Option<Entity> {
    let guilds = world.resource::<Guilds>();
    if let Some(&entity) = guilds.held.get(&guild) {
        return Some(entity);
    }
    if guilds.held.len() >= GUILDS_HELD_MAX {
        try_later(world, guild);
        return None;
    }
    let bundle = (
        Label(guild),
        Tenancy::Opening,
        Roster::default(),
        Quarantine::default(),
        Readers::default(),
        LastUsed(used),
    );
    let entity = world.spawn(bundle).id();
    let mut guilds = world.resource_mut::<Guilds>();
    guilds.held.insert(guild, entity);
    guilds.later.remove(&guild);
    let mut border = world.resource_mut::<Border>();
    let Border { keeper, outputs, .. } = &mut *border;
    keeper.open(Key::Guild(guild), outputs);
    Some(entity)
}

/// The keeper tells how a key is doing.
pub(crate) fn keeper_said(world: &mut World, event: KeeperEvent) {
    match event {
        KeeperEvent::Opened { key: Key::Guild(guild), record } => opened(world, guild, &record),
        KeeperEvent::Elsewhere { key: Key::Guild(guild), owner } => {
            refuse_readers(world, guild, "the guild is looked after by another node; try again");
            forget(world, guild);
            let word = Body::MailWaiting(Key::Guild(guild));
            world.resource_mut::<Border>().send(owner, word);
        }
        KeeperEvent::Lost { key: Key::Guild(guild), reason } => lost(world, guild, reason),
        KeeperEvent::Mail { key: Key::Guild(guild), entries } => {
            mail::apply(world, guild, &entries);
        }
        KeeperEvent::Wanted { key: Key::Guild(guild) } => mail_waiting(world, Key::Guild(guild)),
        KeeperEvent::Released { key: Key::Guild(guild) } => tell_next_home(world, guild),
        KeeperEvent::Opened { key, .. }
        | KeeperEvent::Elsewhere { key, .. }
        | KeeperEvent::Lost { key, .. }
        | KeeperEvent::Mail { key, .. }
        | KeeperEvent::Wanted { key }
        | KeeperEvent::Released { key } => tracing::debug!(%key, "news of a key that is no guild"),
    }
}

/// Gives a guild back; the keeper commits first what is not durable yet.
pub(super) fn release(world: &mut World, guild: GuildId) {
    refuse_readers(world, guild, "this node is being shut down; try again");
    forget(world, guild);
    let mut border = world.resource_mut::<Border>();
    let Border { keeper, outputs, .. } = &mut *border;
    keeper.release(Key::Guild(guild), outputs);
}

/// Gives all guilds back; those that are still being opened follow when they are there.
pub(crate) fn release_all(world: &mut World) {
    world.resource_mut::<Guilds>().later.clear();
    let held = &world.resource::<Guilds>().held;
    let open: Vec<GuildId> = held
        .iter()
        .filter(|(_, entity)| world.get::<Tenancy>(**entity) != Some(&Tenancy::Opening))
        .map(|(guild, _)| *guild)
        .collect();
    for guild in open {
        release(world, guild);
    }
}

/// The node is no longer suspended: the guilds that it gave up are opened again, and all are
/// visited, because the word of their mail may have been lost.
pub(crate) fn resume(world: &mut World) {
    let now = world.resource::<Border>().now;
    world.resource_mut::<Guilds>().later.values_mut().for_each(|tick| *tick = now);
    index::patrol_again(world);
}

/// Opens guilds whose time has come again.
pub(super) fn open_later(world: &mut World) {
    let now = world.resource::<Border>().now;
    let later = world.resource::<Guilds>().later.iter();
    let due = later.filter(|(_, tick)| **tick <= now).map(|(guild, _)| *guild);
    let due: Vec<GuildId> = due.take(RETRIED_KEYS_PER_S).collect();
    for guild in due {
        world.resource_mut::<Guilds>().later.remove(&guild);
        open(world, guild, Some(now));
    }
}

/// Looks for mail of a guild, if it is held.
pub(super) fn look_for_mail(world: &mut World, guild: GuildId) {
    let Some(&entity) = world.resource::<Guilds>().held.get(&guild) else { return };
    match world.get::<Tenancy>(entity).copied().expect("every guild has one") {
        // It looks by itself when it is open; a damaged one's mail waits until it is mended.
        Tenancy::Opening | Tenancy::Damaged => {}
        Tenancy::Open => {
            let mut border = world.resource_mut::<Border>();
            let Border { keeper, outputs, .. } = &mut *border;
            keeper.look_for_mail(Key::Guild(guild), outputs);
        }
    }
}

fn opened(world: &mut World, guild: GuildId, record: &Record) {
    let Some(&entity) = world.resource::<Guilds>().held.get(&guild) else {
        let mut border = world.resource_mut::<Border>();
        let Border { keeper, outputs, .. } = &mut *border;
        keeper.release(Key::Guild(guild), outputs);
        return;
    };
    let tenancy = match index::roster_of(&record.parts) {
        Ok(roster) => {
            world.resource_mut::<Index>().note(guild, &roster);
            world.entity_mut(entity).insert(roster);
            Tenancy::Open
        }
        Err(error) => {
            tracing::error!(%guild, %error, "a guild's roster is damaged; it is left as it is");
            Tenancy::Damaged
        }
    };
    let aside = record.parts.iter().find(|(part, _)| *part == PART_QUARANTINE);
    let aside = aside.and_then(|(_, bytes)| wire::decode(bytes, PART_BYTES_MAX).ok());
    world.entity_mut(entity).insert((tenancy, Quarantine(aside.unwrap_or_default())));
    let readers = take_readers(world, entity);
    if record.mailbox_entries > 0 {
        let now = world.resource::<Border>().now;
        world.entity_mut(entity).insert(LastUsed(Some(now)));
    }
    for reader in readers {
        match tenancy {
            Tenancy::Open => serve(world, entity, reader),
            Tenancy::Opening | Tenancy::Damaged => answer(world, entity, reader),
        }
    }
    if world.resource::<Border>().draining {
        release(world, guild);
    } else {
        look_for_mail(world, guild);
    }
}

fn answer(world: &mut World, entity: Entity, reader: Reader) {
    let now = world.resource::<Border>().now;
    world.entity_mut(entity).insert(LastUsed(Some(now)));
    let guild = world.get::<Label>(entity).expect("every guild has a label").0;
    let roster = world.get::<Roster>(entity);
    let view = roster.and_then(|roster| match reader.what {
        What::Members => roster.view(guild).map(Reply::Guild),
        What::Roster => {
            let following = world.resource::<Following>();
            roster.view_with(guild, |player| following.presence(player)).map(Reply::Roster)
        }
    });
    let result = match world.get::<Tenancy>(entity) {
        Some(Tenancy::Damaged) => {
            let text = "the guild's roster cannot be read; an operator has to look at it";
            Err(Refusal::new(RefusalCode::Quarantined, text))
        }
        Some(Tenancy::Open | Tenancy::Opening) | None => view.ok_or_else(not_found),
    };
    let otherwise = Refusal::new(RefusalCode::Unavailable, "the guild was lost; try again");
    let mut border = world.resource_mut::<Border>();
    border.counters.refusals += u64::from(result.is_err());
    let reply: Output = reply_frame(reader.session, reader.id, result);
    let otherwise = reply_frame(reader.session, reader.id, Err(otherwise));
    let Border { keeper, outputs, .. } = &mut *border;
    keeper.hold(Key::Guild(guild), reply, Some(otherwise), outputs);
}

fn lost(world: &mut World, guild: GuildId, reason: LostReason) {
    if reason != LostReason::Suspended {
        tracing::warn!(%guild, ?reason, "a guild was lost");
    }
    refuse_readers(world, guild, "the guild cannot be read right now; try again");
    forget(world, guild);
    match reason {
        // The new owner looks for the mail.
        LostReason::Fenced => {}
        // What was not committed is still in the mailbox.
        LostReason::Unknown
        | LostReason::TooLarge
        | LostReason::Unavailable
        | LostReason::Suspended => try_later(world, guild),
    }
}

fn refuse_readers(world: &mut World, guild: GuildId, text: &str) {
    let Some(&entity) = world.resource::<Guilds>().held.get(&guild) else { return };
    for reader in take_readers(world, entity) {
        let refusal = Refusal::new(RefusalCode::Unavailable, text);
        world.resource_mut::<Border>().reply(reader.session, reader.id, Err(refusal));
    }
}

fn forget(world: &mut World, guild: GuildId) {
    following::forget(world, guild);
    if let Some(entity) = world.resource_mut::<Guilds>().held.remove(&guild) {
        world.despawn(entity);
    }
}

fn try_later(world: &mut World, guild: GuildId) {
    let border = world.resource::<Border>();
    let (tick, draining) = (border.tick_in_ms(RETRY_MS), border.draining);
    let later = &mut world.resource_mut::<Guilds>().into_inner().later;
    if !draining && (later.len() < GUILDS_LATER_MAX || later.contains_key(&guild)) {
        later.insert(guild, tick);
    }
}

/// If the guild's home is another node, that one is to look for its mail.
fn tell_next_home(world: &mut World, guild: GuildId) {
    let mut border = world.resource_mut::<Border>();
    let key = Key::Guild(guild);
    match border.nodes.home_of_key(key) {
        Some(home) if home != border.me => border.send(home, Body::MailWaiting(key)),
        Some(_) | None => {}
    }
}

fn not_found() -> Refusal {
    Refusal::new(RefusalCode::NotFound, "there is no such guild")
}
