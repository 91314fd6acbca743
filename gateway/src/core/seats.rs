//! Who sees which battle.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{Address, BattleId, NodeId, SessionId};

use super::session::Seat;

/// The sessions of this gateway in battles. A session is in one battle at most, so there are never
/// more entries than sessions.
#[derive(Debug, Default)]
pub(super) struct Seats {
    battles: BTreeMap<BattleId, Battle>,
}

#[derive(Debug)]
struct Battle {
    battleapp: Address,
    sessions: BTreeSet<SessionId>,
}

impl Seats {
    /// Adds a session. A battle that was resumed on another node moves there as a whole.
    pub(super) fn add(&mut self, session: SessionId, seat: Seat) {
        let battle = self
            .battles
            .entry(seat.battle)
            .or_insert_with(|| Battle { battleapp: seat.battleapp, sessions: BTreeSet::new() });
        battle.battleapp = seat.battleapp;
        battle.sessions.insert(session);
    }

    /// Removes a session.
    pub(super) fn remove(&mut self, session: SessionId, seat: Seat) {
        let Some(battle) = self.battles.get_mut(&seat.battle) else { return };
        battle.sessions.remove(&session);
        if battle.sessions.is_empty() {
            self.battles.remove(&seat.battle);
        }
    }

    /// The sessions that see a battle of `from`.
    pub(super) fn viewers(&self, from: Address, battle: BattleId) -> Option<&BTreeSet<SessionId>> {
        let battle = self.battles.get(&battle).filter(|battle| battle.battleapp == from)?;
        Some(&battle.sessions)
    }

    /// The same as a list of its own.
    pub(super) fn sessions(&self, from: Address, battle: BattleId) -> Vec<SessionId> {
        self.viewers(from, battle).into_iter().flatten().copied().collect()
    }

    /// The battles that are fought on a node.
    pub(super) fn on(&self, node: NodeId) -> Vec<(BattleId, Address)> {
        let there = self.battles.iter().filter(|(_, battle)| battle.battleapp.node == node);
        there.map(|(id, battle)| (*id, battle.battleapp)).collect()
    }

    /// How many battles there are.
    pub(super) fn len(&self) -> usize {
        self.battles.len()
    }
}
