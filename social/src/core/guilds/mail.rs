//! Mail is applied to a guild: roster, answers and the removal of the mail are one commit.

use bevy_ecs::prelude::{Entity, World};

use shared::ids::{GuildId, Key, PlayerId};
use shared::limits::{MAIL_BYTES_MAX, NAME_BYTES_MAX};
use shared::msg::mail::Mail;
use shared::msg::refusal::Refusal;
use shared::mutation::{self, Mutation};
use shared::ownership::Change;
use shared::store::{MailEntry, Post};
use shared::wire;

use super::components::{Guilds, LastUsed, Quarantine};
use super::following;
use super::index::Index;
use super::roster::Roster;
use super::{PART_QUARANTINE, PART_ROSTER, QUARANTINE_ENTRIES_MAX};
use crate::core::border::Border;

/// Applies mail in order. It stops where an answer has no room in the outbox; the rest is taken
/// at a later look.
pub(super) fn apply(world: &mut World, guild: GuildId, entries: &[MailEntry]) {
    let key = Key::Guild(guild);
    let held = world.resource::<Guilds>().held.get(&guild).copied();
    let Some((entity, mut roster, mut aside)) = held.and_then(|entity| parts(world, entity)) else {
        let mut border = world.resource_mut::<Border>();
        let Border { keeper, outputs, .. } = &mut *border;
        keeper.mail_done(key, None, outputs);
        return;
    };
    let room = world.resource::<Border>().keeper.outbox_room(key);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let (mut posts, mut taken, mut put_aside) = (Vec::new(), None, 0u64);
    for entry in entries {
        if posts.len() >= room {
            break;
        }
        match apply_one(&mut roster, guild, entry) {
            Applied::Answered(post) => posts.push(post),
            Applied::Silently => {}
            Applied::Not => {
                tracing::warn!(%guild, source = %entry.source, "a mail was put aside");
                put_aside += 1;
                aside.0.push(entry.mail.clone());
            }
        }
        taken = Some(entry.position);
    }
    let excess = aside.0.len().saturating_sub(QUARANTINE_ENTRIES_MAX);
    aside.0.drain(..excess);
    let mut change = Change { parts: vec![(PART_ROSTER, roster.encode())], posts };
    if put_aside > 0 {
        change.parts.push((PART_QUARANTINE, wire::encode(&aside.0)));
    }
    world.resource_mut::<Index>().note(guild, &roster);
    following::roster_changed(world, guild, &roster);
    let now = world.resource::<Border>().now;
    world.entity_mut(entity).insert((roster, aside, LastUsed(Some(now))));
    commit(world, key, change, taken);
    let applied = entries.iter().filter(|entry| Some(entry.position) <= taken).count();
    let mut border = world.resource_mut::<Border>();
    border.counters.mail_quarantined += put_aside;
    border.counters.mail_applied += u64::try_from(applied).unwrap_or(u64::MAX) - put_aside;
}

/// What became of one mail.
enum Applied {
    /// Applied; the answer is to be posted in the same commit.
    Answered(Post),
    /// Applied, and nobody waits for an answer.
    Silently,
    /// It cannot be applied, now or later.
    Not,
}

fn apply_one(roster: &mut Roster, guild: GuildId, entry: &MailEntry) -> Applied {
    let Ok(mail) = wire::decode::<Mail>(&entry.mail, MAIL_BYTES_MAX) else { return Applied::Not };
    match mail {
        Mail::GuildApplication { player, player_name, found } => {
            if entry.source != Key::Player(player) || player_name.len() > NAME_BYTES_MAX {
                return Applied::Not;
            }
            let result = match found {
                Some(name) => roster.found(guild, &name, player, &player_name),
                None => roster.admit(player, &player_name),
            };
            if mutation::is_on(Mutation::ForgetGuildAnswer) {
                return Applied::Silently;
            }
            Applied::Answered(answer(guild, player, result.err()))
        }
        Mail::GuildLeft { player } if entry.source == Key::Player(player) => {
            roster.remove(player);
            Applied::Silently
        }
        Mail::GuildLeft { .. }
        | Mail::Gift { .. }
        | Mail::BattleResult { .. }
        | Mail::GuildAnswer { .. } => Applied::Not,
    }
}

fn answer(guild: GuildId, player: PlayerId, refused: Option<Refusal>) -> Post {
    let mail = wire::encode(&Mail::GuildAnswer { guild, refused });
    Post { target: Key::Player(player), mail }
}

fn commit(world: &mut World, key: Key, change: Change, taken: Option<u64>) {
    let mut border = world.resource_mut::<Border>();
    let Border { keeper, outputs, .. } = &mut *border;
    if taken.is_some() {
        keeper.stage(key, change);
    }
    keeper.mail_done(key, taken, outputs);
}

fn parts(world: &World, entity: Entity) -> Option<(Entity, Roster, Quarantine)> {
    let roster = world.get::<Roster>(entity)?.clone();
    Some((entity, roster, world.get::<Quarantine>(entity)?.clone()))
}
