//! The roster: who is in a guild, the rules of its changes, and its stored form.

use std::collections::BTreeMap;

use bevy_ecs::prelude::Component;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use shared::ids::{GuildId, PlayerId};
use shared::limits::{GUILD_MEMBERS_MAX, PART_BYTES_MAX};
use shared::msg::client::{GuildView, Presence, RosterLine, RosterView, check_name};
use shared::msg::refusal::{Refusal, RefusalCode};
use shared::wire::{self, WireError};

/// Format of [`RosterRow`]; the first byte of the stored part.
const FORMAT: u8 = 1;

/// Who is in a guild. The default is a guild that was never founded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Component)]
pub(crate) struct Roster {
    name: String,
    leader: PlayerId,
    joined: u64,
    members: BTreeMap<PlayerId, Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    name: String,
    /// Numbered in the order of joining; the lowest is the longest-standing.
    joined: u64,
}

/// Why a stored roster was not accepted.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum RosterError {
    /// A newer build wrote it, or it is damaged.
    #[error("format {0} is not known to this build")]
    Format(u8),
    /// There is not even a format.
    #[error("the part is empty")]
    Empty,
    /// The bytes are damaged.
    #[error("the roster cannot be decoded")]
    Wire(#[from] WireError),
    /// The rows contradict each other.
    #[error("members are not ordered, too many, or do not include the leader")]
    Inconsistent,
}

/// The stored form of a roster, format 1.
#[derive(Serialize, Deserialize)]
struct RosterRow {
    format: u8,
    name: String,
    leader: PlayerId,
    joined: u64,
    members: Vec<MemberRow>,
}

#[derive(Serialize, Deserialize)]
struct MemberRow {
    player: PlayerId,
    name: String,
    joined: u64,
}

impl Roster {
    /// Whether the guild has members. One without can be founded again.
    pub(crate) fn is_founded(&self) -> bool {
        !self.members.is_empty()
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The members, ordered by id.
    pub(crate) fn members(&self) -> impl Iterator<Item = PlayerId> {
        self.members.keys().copied()
    }

    /// How many members there are.
    pub(crate) fn size(&self) -> u16 {
        u16::try_from(self.members.len()).unwrap_or(u16::MAX)
    }

    /// Founds the guild with `player` as its leader. Founding again by a member is welcome: it
    /// repeats an answer that was given before.
    pub(crate) fn found(
        &mut self,
        guild: GuildId,
        name: &str,
        player: PlayerId,
        player_name: &str,
    ) -> Result<(), Refusal> {
        check_name(name)?;
        if GuildId::of_name(name) != guild {
            let text = "the name does not belong to this guild";
            return Err(Refusal::new(RefusalCode::BadName, text));
        }
        if self.members.contains_key(&player) {
            return Ok(());
        }
        if self.is_founded() {
            let text = "a guild of that name exists; choose another name";
            return Err(Refusal::new(RefusalCode::NameTaken, text));
        }
        name.clone_into(&mut self.name);
        self.leader = player;
        self.add(player, player_name);
        Ok(())
    }

    /// Admits a player. One who is a member already is welcome again.
    pub(crate) fn admit(&mut self, player: PlayerId, player_name: &str) -> Result<(), Refusal> {
        if self.members.contains_key(&player) {
            return Ok(());
        }
        if !self.is_founded() {
            let text = "there is no such guild; it may have been left by all";
            return Err(Refusal::new(RefusalCode::NotFound, text));
        }
        if self.members.len() >= GUILD_MEMBERS_MAX {
            return Err(Refusal::new(RefusalCode::Full, "the guild has no room"));
        }
        self.add(player, player_name);
        Ok(())
    }

    /// Removes a player; nothing happens if there is no such member. After the leader the
    /// longest-standing member leads.
    pub(crate) fn remove(&mut self, player: PlayerId) {
        self.members.remove(&player);
        if self.leader == player {
            let next = self.members.iter().min_by_key(|(_, member)| member.joined);
            self.leader = next.map_or(PlayerId::default(), |(player, _)| *player);
        }
    }

    /// As [`Roster::view`], with what `presence` says of the members.
    pub(crate) fn view_with(
        &self,
        guild: GuildId,
        presence: impl Fn(PlayerId) -> Presence,
    ) -> Option<RosterView> {
        let line = |(player, member): (&PlayerId, &Member)| RosterLine {
            player: *player,
            name: member.name.clone(),
            presence: presence(*player),
        };
        self.is_founded().then(|| RosterView {
            guild,
            name: self.name.clone(),
            leader: self.leader,
            members: self.members.iter().map(line).collect(),
        })
    }

    /// What players see; `None` for a guild without members.
    pub(crate) fn view(&self, guild: GuildId) -> Option<GuildView> {
        self.is_founded().then(|| GuildView {
            guild,
            name: self.name.clone(),
            leader: self.leader,
            members: self
                .members
                .iter()
                .map(|(player, member)| (*player, member.name.clone()))
                .collect(),
        })
    }

    /// The bytes of the stored part.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let members = self.members.iter().map(|(player, member)| MemberRow {
            player: *player,
            name: member.name.clone(),
            joined: member.joined,
        });
        wire::encode(&RosterRow {
            format: FORMAT,
            name: self.name.clone(),
            leader: self.leader,
            joined: self.joined,
            members: members.collect(),
        })
    }

    /// Reads a stored part.
    ///
    /// # Errors
    /// [`RosterError`]; nothing about the bytes can make this panic.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RosterError> {
        let format = *bytes.first().ok_or(RosterError::Empty)?;
        if format != FORMAT {
            return Err(RosterError::Format(format));
        }
        let row: RosterRow = wire::decode(bytes, PART_BYTES_MAX)?;
        let ordered = row.members.is_sorted_by(|a, b| a.player < b.player);
        let led = row.members.is_empty() || row.members.iter().any(|m| m.player == row.leader);
        if !ordered || !led || row.members.len() > GUILD_MEMBERS_MAX {
            return Err(RosterError::Inconsistent);
        }
        let members = row
            .members
            .into_iter()
            .map(|member| (member.player, Member { name: member.name, joined: member.joined }));
        Ok(Self {
            name: row.name,
            leader: row.leader,
            joined: row.joined,
            members: members.collect(),
        })
    }

    fn add(&mut self, player: PlayerId, name: &str) {
        self.joined += 1;
        self.members.insert(player, Member { name: name.to_owned(), joined: self.joined });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PlayerId = PlayerId(1);
    const B: PlayerId = PlayerId(2);
    const C: PlayerId = PlayerId(3);

    fn owls() -> Roster {
        let mut roster = Roster::default();
        roster.found(GuildId::of_name("Owls"), "Owls", C, "cy").expect("the name is free");
        roster
    }

    #[test]
    fn the_longest_standing_member_leads_after_the_leader() {
        let mut roster = owls();
        roster.admit(B, "bo").expect("there is room");
        roster.admit(A, "al").expect("there is room");
        roster.remove(C);
        assert_eq!(roster.leader, B, "came before the player with the lower id");
        roster.remove(B);
        roster.remove(A);
        assert!(!roster.is_founded());
        assert_eq!(roster.view(GuildId::of_name("Owls")), None);
    }

    #[test]
    fn a_guild_takes_its_name_only_and_only_once() {
        let mut roster = owls();
        let found = |roster: &mut Roster, name: &str| {
            roster.found(GuildId::of_name("Owls"), name, A, "al").map_err(|refusal| refusal.code)
        };
        assert_eq!(found(&mut roster, "OWLS"), Err(RefusalCode::NameTaken));
        assert_eq!(found(&mut roster, "Crows"), Err(RefusalCode::BadName));
        assert_eq!(found(&mut roster, " "), Err(RefusalCode::BadName));
        roster.remove(C);
        assert_eq!(found(&mut roster, "OWLS"), Ok(()));
        assert_eq!(roster.name(), "OWLS");
    }

    #[test]
    fn the_stored_bytes_are_frozen() {
        let mut roster = owls();
        roster.admit(A, "al").expect("there is room");
        let bytes =
            [1, 4, b'O', b'w', b'l', b's', 3, 2, 2, 1, 2, b'a', b'l', 2, 3, 2, b'c', b'y', 1];
        assert_eq!(roster.encode(), bytes);
        assert_eq!(Roster::decode(&bytes), Ok(roster));
    }

    #[test]
    fn truncated_newer_and_contradicting_bytes_are_refused() {
        let bytes = owls().encode();
        for cut in 0..bytes.len() {
            assert!(Roster::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut newer = bytes.clone();
        newer[0] = FORMAT + 1;
        assert_eq!(Roster::decode(&newer), Err(RosterError::Format(FORMAT + 1)));
        let mut leaderless = bytes;
        leaderless[6] = 9;
        assert_eq!(Roster::decode(&leaderless), Err(RosterError::Inconsistent));
    }
}
