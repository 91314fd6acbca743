//! What the directory's thread and the node's housekeeping tell each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::{DirectoryEvent, NodeCard};
use crate::ids::NodeId;
use crate::store::redis::clock::now;

/// The newest state of both sides; holds each node once, however seldom anybody looks.
#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    /// After so long without a renewed lease the node is gone.
    patience: Duration,
}

#[derive(Debug)]
struct State {
    /// Changes so far.
    changes: u64,
    cards: BTreeMap<NodeId, NodeCard>,
    own: Option<NodeCard>,
    /// When the request went out by which the lease was last renewed.
    renewed: Instant,
    is_lost: bool,
    is_closed: bool,
}

/// What one handle has been told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    changes: Option<u64>,
    cards: BTreeMap<NodeId, NodeCard>,
    /// It was told that it is gone itself; nothing comes after that.
    is_over: bool,
}

/// What the thread is to do next.
pub(super) struct Wishes {
    /// The card to announce.
    pub(super) card: Option<NodeCard>,
    /// The lease is lost, or the node leaves.
    pub(super) is_over: bool,
}

impl Board {
    pub(super) fn new(lease: Duration) -> Self {
        let (cards, own) = (BTreeMap::new(), None);
        let (is_lost, is_closed) = (false, false);
        let state = State { changes: 0, cards, own, renewed: now(), is_lost, is_closed };
        Self { state: Mutex::new(state), patience: lease * 2 / 3 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, so the state is whole in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the node's card. Returns whether the others should know at once: loads change all
    /// the time and are told when the lease is renewed.
    pub(super) fn announce(&self, card: &NodeCard) -> bool {
        let mut state = self.lock();
        let is_urgent = state.own.as_ref().is_none_or(|own| !differ_in_load_only(own, card));
        state.own = Some(card.clone());
        is_urgent
    }

    /// The node leaves.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    pub(super) fn wishes(&self, at: Instant) -> Wishes {
        let mut state = self.lock();
        state.age(at, self.patience);
        Wishes { card: state.own.clone(), is_over: state.is_lost || state.is_closed }
    }

    /// The lease was renewed by a request that went out at `sent`. Too late is too late: who was
    /// told that it is gone stays so.
    pub(super) fn renewed(&self, sent: Instant, at: Instant) {
        let mut state = self.lock();
        state.age(at, self.patience);
        state.renewed = sent;
    }

    /// The lease is gone.
    pub(super) fn lost(&self) {
        self.lock().is_lost = true;
    }

    /// Whether the node is gone.
    pub(super) fn is_lost(&self, at: Instant) -> bool {
        let mut state = self.lock();
        state.age(at, self.patience);
        state.is_lost
    }

    /// Takes what has changed: cards that replace others, and nodes that went. With `all`, the
    /// cards are all that there are.
    pub(super) fn changed(&self, cards: Vec<NodeCard>, gone: &[NodeId], all: bool) {
        let mut state = self.lock();
        if all {
            state.cards.clear();
        }
        for node in gone {
            state.cards.remove(node);
        }
        state.cards.extend(cards.into_iter().map(|card| (card.id, card)));
        state.changes += 1;
    }

    /// All cards.
    pub(super) fn cards(&self) -> Vec<NodeCard> {
        self.lock().cards.values().cloned().collect()
    }

    /// What `seen` does not know yet.
    pub(super) fn news(
        &self,
        me: NodeId,
        at: Instant,
        seen: &mut Seen,
        events: &mut Vec<DirectoryEvent>,
    ) {
        if seen.is_over {
            return;
        }
        let mut state = self.lock();
        state.age(at, self.patience);
        if state.is_lost {
            seen.is_over = true;
            events.push(DirectoryEvent::Gone(me));
            return;
        }
        if seen.changes == Some(state.changes) {
            return;
        }
        seen.changes = Some(state.changes);
        let gone = seen.cards.keys().filter(|node| !state.cards.contains_key(node));
        events.extend(gone.map(|node| DirectoryEvent::Gone(*node)));
        let new = state.cards.iter().filter(|(node, card)| seen.cards.get(node) != Some(card));
        events.extend(new.map(|(_, card)| DirectoryEvent::Changed(card.clone())));
        seen.cards.clone_from(&state.cards);
    }
}

impl State {
    fn age(&mut self, at: Instant, patience: Duration) {
        self.is_lost |= at.saturating_duration_since(self.renewed) > patience;
    }
}

/// Whether nothing but loads has changed from one card to the other.
pub(super) fn differ_in_load_only(one: &NodeCard, other: &NodeCard) -> bool {
    let roles = |card: &NodeCard| card.roles.iter().map(|(role, _)| *role).collect::<Vec<_>>();
    one.state == other.state && one.build == other.build && roles(one) == roles(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NodeState;
    use crate::ids::Role;

    const LEASE: Duration = Duration::from_secs(3);
    const ME: NodeId = NodeId { node: 1, incarnation: 1 };

    fn card(node: u16, incarnation: u32, load: u32) -> NodeCard {
        let id = NodeId { node, incarnation };
        let roles = vec![(Role::Social, load)];
        NodeCard {
            id,
            state: NodeState::Ready,
            build: String::from("test"),
            roles,
            link: None,
            page: None,
        }
    }

    fn news(board: &Board, at: Instant, seen: &mut Seen) -> Vec<DirectoryEvent> {
        let mut events = Vec::new();
        board.news(ME, at, seen, &mut events);
        events
    }

    #[test]
    fn a_handle_is_told_the_difference() {
        let (board, mut seen, at) = (Board::new(LEASE), Seen::default(), now());
        board.changed(vec![card(1, 1, 0), card(2, 1, 0)], &[], false);
        assert_eq!(news(&board, at, &mut seen).len(), 2);
        assert_eq!(news(&board, at, &mut seen), []);
        let old = NodeId { node: 2, incarnation: 1 };
        board.changed(vec![card(2, 2, 0)], &[old], false);
        let expected = [DirectoryEvent::Gone(old), DirectoryEvent::Changed(card(2, 2, 0))];
        assert_eq!(news(&board, at, &mut seen), expected);
        board.changed(vec![card(1, 1, 0)], &[], true);
        let new = NodeId { node: 2, incarnation: 2 };
        assert_eq!(news(&board, at, &mut seen), [DirectoryEvent::Gone(new)]);
    }

    #[test]
    fn a_node_that_could_not_renew_for_two_thirds_of_its_lease_is_gone_for_good() {
        let (board, mut seen, begun) = (Board::new(LEASE), Seen::default(), now());
        board.renewed(begun, begun);
        let (late, too_late) = (begun + LEASE * 2 / 3, begun + LEASE * 3 / 4);
        assert!(!board.is_lost(late));
        assert_eq!(news(&board, too_late, &mut seen), [DirectoryEvent::Gone(ME)]);
        board.renewed(too_late, too_late);
        assert!(board.is_lost(too_late));
        board.changed(vec![card(2, 1, 0)], &[], false);
        assert_eq!(news(&board, too_late, &mut seen), [], "nothing comes after the end");
    }

    #[test]
    fn only_loads_may_wait() {
        let board = Board::new(LEASE);
        assert!(board.announce(&card(1, 1, 0)));
        assert!(!board.announce(&card(1, 1, 7)));
        let draining = NodeCard { state: NodeState::Draining, ..card(1, 1, 7) };
        assert!(board.announce(&draining));
    }
}
