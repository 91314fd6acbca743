//! The presence of guilds' members, followed at the lobby as long as somebody reads the rosters.
//!
//! The lobby may be this node: then the frames go to ourselves, and nothing else is different. A
//! member is shown as what the lobby says only while we are sure to have all that it said; in all
//! other cases the presence is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use bevy_ecs::prelude::{Mut, Resource, World};

use shared::core::Output;
use shared::directory::Nodes;
use shared::ids::{Address, GuildId, Key, PlayerId};
use shared::msg::client::Presence;
use shared::msg::replication::{OF_MEMBERS, ToPublisher, ToSubscriber};
use shared::mutation::{self, Mutation};
use shared::replication::{Replica, ReplicaEvent};
use shared::tick::{Tick, TickRate};

use super::roster::Roster;
use super::{FOLLOWED_MAX, FOLLOWS_PER_TICK_MAX, PRESENCE_MS_MAX, UNREAD_MS};
use crate::core::border::Border;

/// Whose presence is followed.
#[derive(Debug, Resource)]
pub(crate) struct Following {
    replica: Replica,
    /// Where everybody is followed.
    lobby: Option<Address>,
    /// Guilds whose rosters were read lately. At most as many as are held.
    guilds: BTreeMap<GuildId, Followed>,
    /// In which of these guilds a player is. At most `FOLLOWED_MAX`.
    guilds_of: BTreeSet<(PlayerId, GuildId)>,
    /// Players to follow as soon as there is a lobby. Each is in `guilds_of`.
    due: BTreeSet<PlayerId>,
    /// Players whom the lobby does not tell; asked for again every second. Each is in `guilds_of`.
    ended: BTreeSet<PlayerId>,
    /// When the readers of a guild are answered at the latest; the guilds have the same.
    deadlines: BTreeSet<(Tick, GuildId)>,
}

/// A guild whose roster was read lately.
#[derive(Debug)]
struct Followed {
    /// When it was read last.
    read: Tick,
    /// The members who are followed.
    members: BTreeSet<PlayerId>,
    /// Until when it is worth while to wait for the members' presence.
    hopes_until: Tick,
    /// When those who wait for it are answered, if somebody does.
    answers_at: Option<Tick>,
}

impl Following {
    /// Follows nobody yet.
    pub(super) fn new(rate: TickRate) -> Self {
        Self {
            replica: Replica::new(rate, FOLLOWED_MAX),
            lobby: None,
            guilds: BTreeMap::new(),
            guilds_of: BTreeSet::new(),
            due: BTreeSet::new(),
            ended: BTreeSet::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// What is known of a member.
    pub(super) fn presence(&self, player: PlayerId) -> Presence {
        let key = Key::Player(player);
        self.replica.live(key).and_then(|_| self.replica.get(key)).unwrap_or_default()
    }

    /// Everybody who is followed.
    pub(super) fn players(&self) -> BTreeSet<PlayerId> {
        self.guilds_of.iter().map(|(player, _)| *player).collect()
    }

    /// How many they are; who is in two guilds counts twice.
    pub(super) fn count(&self) -> usize {
        self.guilds_of.len()
    }

    /// Losses that were found since the role began.
    pub(super) fn gaps(&self) -> u64 {
        self.replica.level().gaps
    }

    /// Follows the members of a guild, new ones too, and nobody who has left it.
    fn take_members(
        &mut self,
        guild: GuildId,
        members: &BTreeSet<PlayerId>,
        hopes_until: Tick,
        outputs: &mut Vec<Output>,
    ) {
        let Some(followed) = self.guilds.get_mut(&guild) else { return };
        if followed.members == *members {
            return;
        }
        let left: Vec<PlayerId> = followed.members.difference(members).copied().collect();
        followed.members.retain(|member| members.contains(member));
        for member in members {
            if followed.members.contains(member) || self.guilds_of.len() >= FOLLOWED_MAX {
                continue;
            }
            followed.members.insert(*member);
            self.guilds_of.insert((*member, guild));
            if !self.replica.is_followed(Key::Player(*member)) {
                self.due.insert(*member);
                followed.hopes_until = hopes_until;
            }
        }
        left.into_iter().for_each(|player| self.leave(player, guild, outputs));
    }

    /// The player counts for that guild no more.
    fn leave(&mut self, player: PlayerId, guild: GuildId, outputs: &mut Vec<Output>) {
        self.guilds_of.remove(&(player, guild));
        if self.guilds_with(player).next().is_none() {
            self.due.remove(&player);
            self.ended.remove(&player);
            self.replica.forget(Key::Player(player), outputs);
        }
    }

    fn forget(&mut self, guild: GuildId, outputs: &mut Vec<Output>) {
        let Some(followed) = self.guilds.remove(&guild) else { return };
        if let Some(at) = followed.answers_at {
            self.deadlines.remove(&(at, guild));
        }
        followed.members.into_iter().for_each(|player| self.leave(player, guild, outputs));
    }

    fn guilds_with(&self, player: PlayerId) -> impl Iterator<Item = GuildId> {
        let range = (player, GuildId(0))..=(player, GuildId(u64::MAX));
        self.guilds_of.range(range).map(|(_, guild)| *guild)
    }

    /// Whether something of a member may still come soon.
    fn may_come(&self, player: PlayerId) -> bool {
        let known = self.replica.live(Key::Player(player)).is_some();
        self.lobby.is_some() && !known && !self.ended.contains(&player)
    }

    /// Whether readers of the guild have to wait at `now`.
    fn is_awaited(&self, guild: GuildId, now: Tick) -> bool {
        let awaits = |followed: &Followed| {
            now < followed.hopes_until && followed.members.iter().any(|it| self.may_come(*it))
        };
        self.guilds.get(&guild).is_some_and(awaits)
    }

    /// All are followed at `lobby` from now on. What another one said counts no more: it may be
    /// dead, or not know any more who comes and goes.
    fn move_to(&mut self, lobby: Option<Address>, hopes_until: Tick, outputs: &mut Vec<Output>) {
        self.lobby = lobby;
        for player in self.players() {
            self.replica.forget(Key::Player(player), outputs);
            self.due.insert(player);
        }
        self.ended.clear();
        self.guilds.values_mut().for_each(|followed| followed.hopes_until = hopes_until);
    }

    /// Follows who is due, and takes what has happened. Returns the guilds whose readers are to be
    /// answered now.
    fn mind(&mut self, now: Tick, nodes: &Nodes, outputs: &mut Vec<Output>) -> Vec<GuildId> {
        if let Some(lobby) = self.lobby {
            for _ in 0..FOLLOWS_PER_TICK_MAX {
                let Some(player) = self.due.pop_first() else { break };
                self.replica.follow(now, Key::Player(player), lobby, OF_MEMBERS, outputs);
            }
        }
        self.replica.tick(now, nodes, outputs);
        let mut touched = BTreeSet::new();
        for event in self.replica.take_events() {
            let (ReplicaEvent::Changed(key) | ReplicaEvent::Ended(key, _)) = event;
            let Key::Player(player) = key else { continue };
            if let ReplicaEvent::Ended(_, why) = event {
                tracing::debug!(%player, ?why, "presence is not told");
                self.ended.insert(player);
            }
            touched.extend(self.guilds_with(player));
        }
        let over = self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, guild)| *guild);
        let over: Vec<GuildId> = over.collect();
        touched.retain(|guild| !self.is_awaited(*guild, now));
        touched.extend(over);
        touched.retain(|guild| {
            let waited = self.guilds.get_mut(guild).and_then(|it| it.answers_at.take());
            waited.is_some_and(|at| self.deadlines.remove(&(at, *guild)))
        });
        touched.into_iter().collect()
    }
}

/// Somebody reads the roster of a guild. Returns whether it is worth while to wait: then
/// [`mind`] says when to answer.
pub(super) fn read(world: &mut World, guild: GuildId, members: &BTreeSet<PlayerId>) -> bool {
    let border = world.resource::<Border>();
    let (now, hopes_until) = (border.now, border.tick_in_ms(PRESENCE_MS_MAX));
    with(world, |following, border| {
        let fresh =
            || Followed { read: now, members: BTreeSet::new(), hopes_until: now, answers_at: None };
        following.guilds.entry(guild).or_insert_with(fresh).read = now;
        following.take_members(guild, members, hopes_until, &mut border.outputs);
        let waits = following.is_awaited(guild, now);
        if waits && let Some(followed) = following.guilds.get_mut(&guild) {
            let at = *followed.answers_at.get_or_insert(followed.hopes_until);
            following.deadlines.insert((at, guild));
        }
        waits
    })
}

/// The roster of a guild has changed, durably or not: it does no harm to follow a member early.
pub(super) fn roster_changed(world: &mut World, guild: GuildId, roster: &Roster) {
    if !world.resource::<Following>().guilds.contains_key(&guild) {
        return;
    }
    let members: BTreeSet<PlayerId> = roster.members().collect();
    let hopes_until = world.resource::<Border>().tick_in_ms(PRESENCE_MS_MAX);
    with(world, |following, border| {
        following.take_members(guild, &members, hopes_until, &mut border.outputs);
    });
}

/// The guild is not held any more.
pub(super) fn forget(world: &mut World, guild: GuildId) {
    with(world, |following, border| following.forget(guild, &mut border.outputs));
}

/// The nodes have changed: the lobby may be another one.
pub(crate) fn mind_lobby(world: &mut World) {
    let border = world.resource::<Border>();
    let (lobby, hopes_until) = (border.nodes.lobby(), border.tick_in_ms(PRESENCE_MS_MAX));
    let before = world.resource::<Following>().lobby;
    let sticks = mutation::is_on(Mutation::FollowFirstLobby) && before.is_some();
    if lobby != before && !sticks {
        with(world, |following, border| {
            following.move_to(lobby, hopes_until, &mut border.outputs);
        });
    }
}

/// The lobby tells something.
pub(crate) fn lobby_said(world: &mut World, from: Address, said: ToSubscriber) {
    with(world, |following, border| {
        let Border { now, nodes, outputs, .. } = border;
        following.replica.heard(*now, from, said, nodes, outputs);
    });
}

/// A question to the lobby did not arrive. That its node is gone is said by [`mind_lobby`].
pub(crate) fn question_unsent(world: &mut World, to: Address, said: &ToPublisher) {
    with(world, |following, border| {
        let Border { now, nodes, outputs, .. } = border;
        following.replica.unsent(*now, to, said, nodes, outputs);
    });
}

/// Follows who is due. Returns the guilds whose readers have waited long enough.
pub(super) fn mind(world: &mut World) -> Vec<GuildId> {
    with(world, |following, border| {
        let Border { now, nodes, outputs, .. } = border;
        following.mind(*now, nodes, outputs)
    })
}

/// Asks again for whom the lobby did not tell, and follows no more whose roster nobody reads.
pub(super) fn each_second(world: &mut World) {
    with(world, |following, border| {
        let ended = mem::take(&mut following.ended);
        following.due.extend(ended);
        let guilds = following.guilds.iter();
        let unread = guilds.filter(|(_, followed)| border.has_passed(followed.read, UNREAD_MS));
        let unread: Vec<GuildId> = unread.map(|(guild, _)| *guild).collect();
        for guild in unread {
            following.forget(guild, &mut border.outputs);
        }
    });
}

fn with<T>(world: &mut World, act: impl FnOnce(&mut Following, &mut Border) -> T) -> T {
    world.resource_scope(|world, mut following: Mut<'_, Following>| {
        act(&mut following, &mut world.resource_mut::<Border>())
    })
}

#[cfg(test)]
mod tests {
    use shared::ids::{NodeId, Role};
    use shared::limits::GUILD_MEMBERS_MAX;

    use super::*;

    const RATE: TickRate = TickRate::new(100);

    /// Reads the `n`-th of guilds that are full and share nobody.
    fn read(following: &mut Following, n: u64) -> GuildId {
        let (guild, size) = (GuildId(n), GUILD_MEMBERS_MAX as u64);
        let members = (n * size..(n + 1) * size).map(PlayerId).collect();
        let followed = Followed {
            read: Tick(0),
            members: BTreeSet::new(),
            hopes_until: Tick(0),
            answers_at: None,
        };
        following.guilds.entry(guild).or_insert(followed);
        following.take_members(guild, &members, Tick(25), &mut Vec::new());
        guild
    }

    #[test]
    fn no_more_members_are_followed_than_the_bound_and_the_rest_is_unknown_until_there_is_room() {
        let mut following = Following::new(RATE);
        let (nodes, mut outputs) = (Nodes::default(), Vec::new());
        let lobby = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Social };
        let last = (FOLLOWED_MAX / GUILD_MEMBERS_MAX) as u64;
        let first = read(&mut following, 0);
        for n in 1..=last {
            read(&mut following, n);
        }
        assert_eq!((following.count(), following.due.len()), (FOLLOWED_MAX, FOLLOWED_MAX));
        let unlucky = PlayerId((last + 1) * GUILD_MEMBERS_MAX as u64 - 1);
        assert!(!following.due.contains(&unlucky));
        following.move_to(Some(lobby), Tick(25), &mut outputs);
        following.mind(Tick(1), &nodes, &mut outputs);
        assert_eq!(outputs.len(), FOLLOWS_PER_TICK_MAX, "the others wait for the next tick");
        let ticks = (FOLLOWED_MAX / FOLLOWS_PER_TICK_MAX) as u64;
        for tick in 2..=ticks {
            following.mind(Tick(tick), &nodes, &mut outputs);
        }
        assert_eq!((following.due.len(), outputs.len()), (0, FOLLOWED_MAX));
        assert!(!following.replica.is_followed(Key::Player(unlucky)));
        assert_eq!(following.presence(unlucky), Presence::Unknown);
        following.forget(first, &mut outputs);
        assert_eq!(following.count(), FOLLOWED_MAX - GUILD_MEMBERS_MAX);
        read(&mut following, last);
        assert!(following.due.contains(&unlucky), "its next reader makes use of the room");
    }

    #[test]
    fn who_is_in_two_guilds_is_followed_once_and_as_long_as_one_of_them_is_read() {
        let mut following = Following::new(RATE);
        let mut outputs = Vec::new();
        let guilds = [1, 2].map(|n| read(&mut following, n));
        let both = PlayerId(GUILD_MEMBERS_MAX as u64);
        following.take_members(guilds[1], &BTreeSet::from([both]), Tick(25), &mut outputs);
        assert_eq!(following.count(), GUILD_MEMBERS_MAX + 1);
        following.forget(guilds[0], &mut outputs);
        assert_eq!(following.players(), BTreeSet::from([both]));
        assert!(following.due.contains(&both));
        following.forget(guilds[1], &mut outputs);
        assert!(following.due.is_empty() && following.guilds_of.is_empty());
    }
}
