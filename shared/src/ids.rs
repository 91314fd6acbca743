//! Ids: what things are called outside the process that holds them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }
    };
}

id! {
    /// A cluster. Nodes of different clusters never talk to each other.
    ClusterId
}
id! {
    /// A player. Derived from the account name, see [`PlayerId::of_account`].
    PlayerId
}
id! {
    /// A guild. Derived from its name, see [`GuildId::of_name`].
    GuildId
}
id! {
    /// A team; unique per incarnation of the social node that made it.
    TeamId
}
id! {
    /// A battle; unique in the cluster.
    BattleId
}
id! {
    /// A ticket in a matchmaking queue; unique in the cluster.
    TicketId
}
id! {
    /// A client's session at a gateway; unique in the cluster.
    SessionId
}
id! {
    /// A client's name for one request; a retry carries the same one.
    RequestId
}
id! {
    /// A letter in a player's inbox; unique per player, never reused.
    LetterId
}

impl PlayerId {
    /// The player of an account name: the first 64 bits of a keyed BLAKE3 hash.
    ///
    /// Two names can in theory meet in one id; the second then fails to log in, because the
    /// secret does not fit. Nobody ever sees another player's data.
    #[must_use]
    pub fn of_account(account: &str) -> Self {
        Self(name_hash("cohort 2026 player id", account))
    }
}

impl GuildId {
    /// The guild of a name, compared without regard to case.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        Self(name_hash("cohort 2026 guild id", &name.to_lowercase()))
    }
}

fn name_hash(context: &str, name: &str) -> u64 {
    let hash = blake3::derive_key(context, name.as_bytes());
    u64::from_le_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

/// Fencing token of ownership: grows by one with every change of owner, never repeats.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

/// Number of commits a key has seen.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Version(pub u64);

/// One incarnation of one node. A restarted node has a new one; it never repeats.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct NodeId {
    /// Which node of the cluster this is.
    pub node: u16,
    /// Which life of that node, counted by the store.
    pub incarnation: u32,
}

impl NodeId {
    /// The `n`-th id of this incarnation: 12 bits of node, 24 of incarnation, 28 of `n`. Unique in
    /// the cluster for 4,096 nodes, 16 million lives of each and 268 million ids in each life.
    #[must_use]
    pub const fn unique(self, n: u64) -> u64 {
        let node = (self.node as u64 & 0xFFF) << 52;
        let incarnation = (self.incarnation as u64 & 0xFF_FFFF) << 28;
        node | incarnation | (n & 0xFFF_FFFF)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.node, self.incarnation)
    }
}

/// The place of a login among all of one player: a later one is greater, whichever node let it in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LoginOrder {
    /// In which the owner of the player let it in.
    pub epoch: Epoch,
    /// Counts the logins at that owner.
    pub login: u64,
}

/// A kind of work that a node can host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The client edge.
    Gateway,
    /// Player data.
    Baseapp,
    /// Fixed-tick battles.
    Battleapp,
    /// Guilds, teams, presence.
    Social,
    /// Tickets and matches.
    Matchmaker,
}

impl Role {
    /// All roles, in the order in which a node starts them.
    pub const ALL: [Self; 5] =
        [Self::Baseapp, Self::Battleapp, Self::Social, Self::Matchmaker, Self::Gateway];

    /// The name used in configuration, metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Baseapp => "baseapp",
            Self::Battleapp => "battleapp",
            Self::Social => "social",
            Self::Matchmaker => "matchmaker",
        }
    }

    /// The role called `name`, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a frame can be sent: a role of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The node.
    pub node: NodeId,
    /// The role on it.
    pub role: Role,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role, self.node)
    }
}

/// A unit of ownership in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A player's data, mailbox and outbox.
    Player(PlayerId),
    /// A guild's roster, mailbox and outbox.
    Guild(GuildId),
    /// A battle's result and outbox.
    Battle(BattleId),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(id) => write!(f, "player:{id}"),
            Self::Guild(id) => write!(f, "guild:{id}"),
            Self::Battle(id) => write!(f, "battle:{id}"),
        }
    }
}

/// A session together with the gateway that holds it: enough to send something to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionRef {
    /// The node whose gateway holds the session.
    pub gateway: NodeId,
    /// The session there.
    pub session: SessionId,
}

impl SessionRef {
    /// The address of the gateway that holds the session.
    #[must_use]
    pub const fn address(self) -> Address {
        Address { node: self.gateway, role: Role::Gateway }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_names_are_frozen_because_they_are_stored() {
        assert_eq!(PlayerId::of_account("anna"), PlayerId::of_account("anna"));
        assert_ne!(PlayerId::of_account("anna"), PlayerId::of_account("Anna"));
        assert_eq!(GuildId::of_name("Owls"), GuildId::of_name("owls"));
        assert_ne!(PlayerId::of_account("owls").0, GuildId::of_name("owls").0);
    }

    #[test]
    fn unique_ids_differ_between_nodes_and_incarnations() {
        let a = NodeId { node: 1, incarnation: 1 };
        let b = NodeId { node: 1, incarnation: 2 };
        let c = NodeId { node: 2, incarnation: 1 };
        let ids = [a.unique(0), a.unique(1), b.unique(0), c.unique(0)];
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert_eq!(Role::named("router"), None);
    }
}
