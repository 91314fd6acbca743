//! The directory inside one process. Nobody's lease ends here: a node is there until its handle
//! leaves or is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Directory, DirectoryEvent, NodeCard};
use crate::ids::NodeId;

/// Nodes that have gone and that are remembered, so that handles which look rarely learn of them.
/// Beyond it the oldest is forgotten.
const GONE_NODES_MAX: usize = 4_096;

/// The directory that the nodes of a process share.
#[derive(Clone, Debug, Default)]
pub struct LocalDirectory {
    board: Arc<Mutex<Board>>,
}

impl LocalDirectory {
    /// A directory without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The handle of a node. The node is in the directory from its first announcement on; the
    /// first poll gives the cards of all nodes that are there.
    #[must_use]
    pub fn join(&self, node: NodeId) -> LocalDirectoryHandle {
        let board = lock(&self.board);
        let joined_at = board.changes;
        drop(board);
        let (hub, stage) = (self.clone(), Stage::Joined);
        LocalDirectoryHandle { hub, node, stage, cards_seen: 0, gone_seen: joined_at }
    }
}

/// A node's handle of a [`LocalDirectory`]. Dropping it leaves.
#[derive(Debug)]
pub struct LocalDirectoryHandle {
    hub: LocalDirectory,
    node: NodeId,
    stage: Stage,
    cards_seen: u64,
    gone_seen: u64,
}

impl Directory for LocalDirectoryHandle {
    fn announce(&mut self, card: &NodeCard) {
        if self.stage == Stage::Left || card.id != self.node {
            return;
        }
        self.stage = Stage::Announced;
        let mut board = lock(&self.hub.board);
        if board.cards.get(&card.id).is_some_and(|(_, known)| known == card) {
            return;
        }
        board.changes += 1;
        let change = board.changes;
        board.cards.insert(card.id, (change, card.clone()));
    }

    fn leave(&mut self) {
        let was_there = self.stage == Stage::Announced;
        self.stage = Stage::Left;
        if was_there {
            lock(&self.hub.board).remove(self.node);
        }
    }

    fn poll(&mut self, events: &mut Vec<DirectoryEvent>) {
        let board = lock(&self.hub.board);
        let mut new: Vec<_> = board
            .cards
            .values()
            .filter(|(change, _)| *change > self.cards_seen)
            .map(|(change, card)| (*change, DirectoryEvent::Changed(card.clone())))
            .collect();
        let gone = board.gone.iter().filter(|(change, _)| *change > self.gone_seen);
        new.extend(gone.map(|(change, node)| (*change, DirectoryEvent::Gone(*node))));
        (self.cards_seen, self.gone_seen) = (board.changes, board.changes);
        drop(board);
        new.sort_unstable_by_key(|(change, _)| *change);
        events.extend(new.into_iter().map(|(_, event)| event));
    }
}

impl Drop for LocalDirectoryHandle {
    fn drop(&mut self) {
        self.leave();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Joined,
    Announced,
    Left,
}

#[derive(Debug, Default)]
struct Board {
    /// Counts changes; a handle has seen all up to some count.
    changes: u64,
    cards: BTreeMap<NodeId, (u64, NodeCard)>,
    gone: VecDeque<(u64, NodeId)>,
}

impl Board {
    fn remove(&mut self, node: NodeId) {
        if self.cards.remove(&node).is_none() {
            return;
        }
        if self.gone.len() >= GONE_NODES_MAX {
            self.gone.pop_front();
        }
        self.changes += 1;
        self.gone.push_back((self.changes, node));
    }
}

/// Nothing panics while the lock is held, so a poisoned one holds no broken state.
fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NodeState;

    fn id(node: u16) -> NodeId {
        NodeId { node, incarnation: 1 }
    }

    fn card(node: u16, state: NodeState) -> NodeCard {
        NodeCard {
            id: id(node),
            state,
            build: String::from("test"),
            roles: Vec::new(),
            link: None,
            page: None,
        }
    }

    fn polled(handle: &mut LocalDirectoryHandle) -> Vec<DirectoryEvent> {
        let mut events = Vec::new();
        handle.poll(&mut events);
        events
    }

    #[test]
    fn everybody_sees_an_announcement_once_and_so_does_a_late_joiner() {
        let hub = LocalDirectory::new();
        let (mut one, mut two) = (hub.join(id(1)), hub.join(id(2)));
        one.announce(&card(1, NodeState::Ready));
        one.announce(&card(1, NodeState::Ready));
        let seen = vec![DirectoryEvent::Changed(card(1, NodeState::Ready))];
        assert_eq!(polled(&mut one), seen);
        assert_eq!(polled(&mut two), seen);
        assert_eq!(polled(&mut two), []);
        assert_eq!(polled(&mut hub.join(id(3))), seen);
    }

    #[test]
    fn who_leaves_or_is_dropped_is_gone_for_all_and_does_not_return() {
        let hub = LocalDirectory::new();
        let (mut one, mut two, mut three) = (hub.join(id(1)), hub.join(id(2)), hub.join(id(3)));
        one.announce(&card(1, NodeState::Ready));
        two.announce(&card(2, NodeState::Ready));
        assert_eq!(polled(&mut three).len(), 2);
        one.leave();
        one.announce(&card(1, NodeState::Ready));
        drop(two);
        let gone = vec![DirectoryEvent::Gone(id(1)), DirectoryEvent::Gone(id(2))];
        assert_eq!(polled(&mut three), gone);
        assert_eq!(polled(&mut hub.join(id(4))), []);
    }
}
