//! The index: which guilds the store knows, so that players can choose one, and the patrol that
//! visits each guild once after a start or the loss of a social node, because the word of its
//! mail may have been lost with it.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use bevy_ecs::prelude::{Resource, World};

use shared::core::Output;
use shared::ids::{GuildId, Key, Role};
use shared::limits::GUILD_MEMBERS_MAX;
use shared::msg::client::GuildLine;
use shared::rng;
use shared::store::{OpId, PartId, Parts, StoreReply, StoreRequest};
use shared::tick::Tick;

use super::components::Guilds;
use super::keys;
use super::roster::Roster;
use super::{
    GUILDS_HELD_MAX, GUILDS_INDEXED_MAX, INDEX_MS, LIST_SCAN_MAX, LISTED_MAX, PART_ROSTER,
    PATROL_KEYS_PER_S,
};
use crate::core::border::Border;

/// All guilds of the store as far as they are known here.
#[derive(Debug, Default, Resource)]
pub(crate) struct Index {
    /// Name and number of members; zero members are not listed. At most `GUILDS_INDEXED_MAX`.
    lines: BTreeMap<GuildId, Line>,
    /// How many lines have members.
    founded: u64,
    loading: Loading,
    patrol: Patrol,
    lists_made: u64,
    /// When the last page came.
    read_at: Tick,
}

#[derive(Debug)]
struct Line {
    name: String,
    members: u16,
}

/// How far the index has been read.
#[derive(Debug, Default, PartialEq, Eq)]
enum Loading {
    /// To be asked for what comes after this key.
    #[default]
    FromStart,
    /// As before, further on.
    After(Key),
    /// Asked.
    Asked {
        /// The request.
        op: OpId,
        /// Where it began.
        after: Option<Key>,
    },
    /// All of it was read.
    Complete,
    /// There are more guilds than the index takes.
    Overfull,
}

/// Which guilds have been visited.
#[derive(Debug, Default, PartialEq, Eq)]
enum Patrol {
    /// Waits for the index.
    #[default]
    Waiting,
    /// Up to this one.
    After(GuildId),
    /// All.
    Done,
}

impl Index {
    /// Whether the store may have a guild that the index does not know.
    pub(super) fn may_exist(&self, guild: GuildId) -> bool {
        self.loading != Loading::Complete
            || self.lines.get(&guild).is_some_and(|line| line.members > 0)
    }

    /// How many guilds have members.
    pub(super) fn founded(&self) -> u64 {
        self.founded
    }

    /// Takes the current state of a guild, durable or not: a list is a hint, not a promise.
    pub(super) fn note(&mut self, guild: GuildId, roster: &Roster) {
        let room = self.lines.len() < GUILDS_INDEXED_MAX;
        if !room && !self.lines.contains_key(&guild) {
            self.loading = Loading::Overfull;
            return;
        }
        let line = Line { name: roster.name().to_owned(), members: roster.size() };
        self.founded += u64::from(line.members > 0);
        if let Some(old) = self.lines.insert(guild, line) {
            self.founded -= u64::from(old.members > 0);
        }
    }

    /// Some guilds, those with room first; another draw begins elsewhere.
    fn some(&self, draw: u64) -> Vec<GuildLine> {
        let start = GuildId(draw);
        let around = self.lines.range(start..).chain(self.lines.range(..start));
        let (mut open, mut full) = (Vec::new(), Vec::new());
        for (guild, line) in around.filter(|(_, line)| line.members > 0).take(LIST_SCAN_MAX) {
            let listed =
                GuildLine { guild: *guild, name: line.name.clone(), members: line.members };
            let has_room = usize::from(line.members) < GUILD_MEMBERS_MAX;
            if has_room {
                open.push(listed)
            } else {
                full.push(listed)
            }
            if open.len() == LISTED_MAX {
                break;
            }
        }
        open.extend(full);
        open.truncate(LISTED_MAX);
        open
    }
}

/// Some guilds to choose from. Every call begins at another place.
pub(crate) fn list(world: &mut World) -> Vec<GuildLine> {
    let seed = world.resource::<Border>().me.node.unique(0);
    let mut index = world.resource_mut::<Index>();
    index.lists_made += 1;
    index.some(rng::mix(seed, &[index.lists_made]))
}

/// Reads the index again and visits every guild again: a social node is gone, and with it the
/// word of mail that it was told of.
pub(crate) fn patrol_again(world: &mut World) {
    let mut index = world.resource_mut::<Index>();
    index.loading = Loading::FromStart;
    index.patrol = Patrol::Waiting;
}

/// Whether an answer of the store is for the index.
pub(crate) fn is_page(world: &World, op: OpId) -> bool {
    matches!(world.resource::<Index>().loading, Loading::Asked { op: asked, .. } if asked == op)
}

/// The store has answered the index's request.
pub(crate) fn page_came(world: &mut World, reply: StoreReply) {
    let Loading::Asked { after, .. } = world.resource::<Index>().loading else { return };
    let StoreReply::Guilds(page) = reply else {
        tracing::warn!(?reply, "the index of guilds could not be read, trying again");
        world.resource_mut::<Index>().loading = after.map_or(Loading::FromStart, Loading::After);
        return;
    };
    let Some((last, _)) = page.last() else {
        let now = world.resource::<Border>().now;
        let mut index = world.resource_mut::<Index>();
        (index.loading, index.read_at) = (Loading::Complete, now);
        return;
    };
    let last = *last;
    for (key, parts) in page {
        take_row(world, key, &parts);
    }
    let mut index = world.resource_mut::<Index>();
    if index.loading != Loading::Overfull {
        index.loading = Loading::After(last);
        ask_page(world);
    }
}

/// Begins to read the index, or goes on after a failure. Where other nodes have guilds, too, it is
/// read again and again.
pub(super) fn load_index(world: &mut World) {
    let (border, index) = (world.resource::<Border>(), world.resource::<Index>());
    let is_old = || {
        border.has_passed(index.read_at, INDEX_MS) && border.nodes.ready(Role::Social).count() > 1
    };
    match index.loading {
        Loading::FromStart | Loading::After(_) => ask_page(world),
        Loading::Complete if is_old() => ask_page(world),
        Loading::Asked { .. } | Loading::Complete | Loading::Overfull => {}
    }
}

/// Opens the next guilds whose home this node is, to see whether mail waits.
pub(super) fn patrol(world: &mut World) {
    let border = world.resource::<Border>();
    let index = world.resource::<Index>();
    let whole = matches!(index.loading, Loading::Complete | Loading::Overfull);
    let crowded = world.resource::<Guilds>().held.len() * 2 > GUILDS_HELD_MAX;
    // Before this node is ready, everything would seem to be at home elsewhere.
    let ready = border.nodes.ready(Role::Social).any(|(address, _)| address == border.me);
    if border.draining || !ready || !whole || crowded {
        return;
    }
    let next = match index.patrol {
        Patrol::Waiting => index.lines.range(..),
        Patrol::After(last) => index.lines.range((Excluded(last), Unbounded)),
        Patrol::Done => return,
    };
    let step: Vec<GuildId> = next.take(PATROL_KEYS_PER_S).map(|(guild, _)| *guild).collect();
    let homes = &world.resource::<Border>().nodes;
    let mine: Vec<GuildId> = step
        .iter()
        .copied()
        .filter(|guild| homes.home_of_key(Key::Guild(*guild)) == Some(border.me))
        .collect();
    world.resource_mut::<Index>().patrol =
        step.last().map_or(Patrol::Done, |last| Patrol::After(*last));
    for guild in mine {
        keys::open(world, guild, None);
    }
}

fn ask_page(world: &mut World) {
    let after = match world.resource::<Index>().loading {
        Loading::After(key) => Some(key),
        Loading::FromStart | Loading::Asked { .. } | Loading::Complete | Loading::Overfull => None,
    };
    let mut border = world.resource_mut::<Border>();
    let op = border.keeper.next_op();
    border.outputs.push(Output::Store { op, request: StoreRequest::ListGuilds { after } });
    world.resource_mut::<Index>().loading = Loading::Asked { op, after };
}

fn take_row(world: &mut World, key: Key, parts: &Parts) {
    let Key::Guild(guild) = key else { return };
    if world.resource::<Guilds>().held.contains_key(&guild) {
        // What is held here is at least as new as what was read.
        return;
    }
    match roster_of(parts) {
        Ok(roster) => world.resource_mut::<Index>().note(guild, &roster),
        Err(error) => tracing::error!(%guild, %error, "a guild's roster is damaged"),
    }
}

/// The roster among a guild's parts; an unfounded one if there is none.
pub(super) fn roster_of(parts: &[(PartId, Vec<u8>)]) -> Result<Roster, super::roster::RosterError> {
    let part = parts.iter().find(|(part, _)| *part == PART_ROSTER);
    part.map_or_else(|| Ok(Roster::default()), |(_, bytes)| Roster::decode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::PlayerId;

    fn index(guilds: u64, members: u64) -> Index {
        let mut index = Index::default();
        for n in 0..guilds {
            let name = format!("guild {n}");
            let guild = GuildId::of_name(&name);
            let mut roster = Roster::default();
            roster.found(guild, &name, PlayerId(0), "al").expect("the name is free");
            for player in 1..members {
                roster.admit(PlayerId(player), "bo").expect("there is room");
            }
            index.note(guild, &roster);
        }
        index
    }

    #[test]
    fn a_list_is_bounded_and_other_draws_begin_elsewhere() {
        let index = index(100, 1);
        let (a, b) = (index.some(0), index.some(u64::MAX / 2));
        assert_eq!((a.len(), b.len()), (LISTED_MAX, LISTED_MAX));
        assert_ne!(a, b);
        assert_eq!(index.founded(), 100);
    }

    #[test]
    fn guilds_with_room_come_first_and_empty_ones_never() {
        let mut index = index(5, GUILD_MEMBERS_MAX as u64);
        let young = GuildId::of_name("young");
        let mut roster = Roster::default();
        roster.found(young, "young", PlayerId(7), "al").expect("the name is free");
        index.note(young, &roster);
        for draw in 0..8 {
            assert_eq!(index.some(draw << 61)[0].guild, young);
        }
        roster.remove(PlayerId(7));
        index.note(young, &roster);
        assert!(index.some(0).iter().all(|line| line.guild != young));
        assert_eq!((index.some(0).len(), index.founded()), (5, 5));
    }
}
