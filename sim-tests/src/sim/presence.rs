//! Whether what readers of rosters are told of members is what the lobby knows, once faults are
//! over.

use std::collections::BTreeMap;

use shared::ids::{Address, NodeId, PlayerId};
use shared::msg::client::Presence;

use super::checks::Broken;
use super::world::{Event, World};
use crate::bot;

const PROMISE: &str = "presence is told as it is";
/// Between two looks, in µs.
const LOOK_US: u64 = 500_000;
/// How long a member may be told as something else than the lobby knows, in µs: the way of the
/// news, and a pause before a lobby is asked again that was not ready for it.
const ASTRAY_US_MAX: u64 = 3_000_000;
/// Who is logged in for so long is known to the lobby, in µs.
const ANNOUNCED_US: u64 = 5_000_000;

/// Since when which node tells something else of whom, in µs.
pub(super) type Astray = BTreeMap<(NodeId, PlayerId), u64>;

/// Which node tells what of whom, and what it takes for the lobby.
type Told = (NodeId, Option<Address>, PlayerId, Presence);

impl World<'_> {
    /// Compares what all nodes tell with what the lobby knows.
    pub(super) fn look_at_presence(&mut self) {
        let now_us = self.now_us;
        self.agenda.put(now_us + LOOK_US, Event::LookAtPresence);
        let before = std::mem::take(&mut self.astray);
        let mut broken = Ok(());
        for (node, lobby, player, told) in self.told() {
            let known = lobby.and_then(|lobby| self.known_at(lobby, player)).unwrap_or_default();
            if told == known {
                continue;
            }
            let since_us = before.get(&(node, player)).copied().unwrap_or(now_us);
            self.astray.insert((node, player), since_us);
            if now_us - since_us > ASTRAY_US_MAX {
                let what = format!("{node} tells {told:?} of {player}, who is {known:?}");
                broken = Err(Broken::new(PROMISE, what));
            }
        }
        self.expect(broken);
    }

    /// Players who are logged in are known to the lobby as such, and so to all who follow them.
    pub(super) fn unannounced(&mut self) -> Option<Broken> {
        for (index, player) in (0u32..).zip(&self.players) {
            let Some(connection) = &player.connection else { continue };
            if !connection.is_in || self.now_us < connection.since_us + ANNOUNCED_US {
                continue;
            }
            let id = bot::player(self.plan.seed, index);
            let known = self.addresses().find_map(|at| self.known_at(at, id));
            if !matches!(known, Some(Presence::Online | Presence::Fighting)) {
                let what =
                    format!("client {index} is logged in, and the lobby has it as {known:?}");
                return Some(Broken::new(PROMISE, what));
            }
        }
        if !self.told().is_empty() {
            self.history.count("presence: members were followed to the end");
        }
        None
    }

    /// All that nodes tell of members, with what they take for the lobby.
    fn told(&self) -> Vec<Told> {
        let mut all = Vec::new();
        for node in self.nodes.iter().flatten() {
            let (id, lobby) = (node.id, node.known.lobby());
            for social in node.roles.iter().filter_map(|slot| slot.social()) {
                let told = social.members_told().into_iter();
                all.extend(told.map(|(player, told)| (id, lobby, player, told)));
            }
        }
        all
    }

    fn addresses(&self) -> impl Iterator<Item = Address> {
        self.nodes.iter().flatten().flat_map(|node| &node.roles).map(|slot| slot.address)
    }

    /// What a social node knows of a player if it is the lobby.
    fn known_at(&self, at: Address, player: PlayerId) -> Option<Presence> {
        let node = self.nodes.iter().flatten().find(|node| node.id == at.node)?;
        let slot = node.roles.iter().find(|slot| slot.address == at)?;
        slot.social()?.presence_of(player)
    }
}
