//! What the directory's thread and the node's housekeeping tell each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::{DirectoryEvent, NodeCard};
use super::LeaseTimes;
use crate::ids::NodeId;
use crate::store::redis::clock::now;

/// The newest state of both sides; holds each node once, however seldom anybody looks.
#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    patience: Patience,
}

/// How long a node goes without a renewed lease.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// After this it is suspended: before anybody may take its place.
    holding: Duration,
    /// After this it is gone, even if nobody has said so.
    suspended: Duration,
}

/// How a node stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It holds its lease, as far as it knows.
    #[default]
    Holding,
    /// Its lease may be over, or not.
    Suspended,
    /// It is gone for good.
    Lost,
}

#[derive(Debug)]
struct State {
    /// Changes so far.
    changes: u64,
    cards: BTreeMap<NodeId, NodeCard>,
    own: Option<NodeCard>,
    /// When the request went out by which the lease was last renewed.
    renewed: Instant,
    standing: Standing,
    is_closed: bool,
}

/// What one handle has been told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    changes: Option<u64>,
    cards: BTreeMap<NodeId, NodeCard>,
    /// What it was told of itself. Nothing comes after [`Standing::Lost`].
    standing: Standing,
}

/// What the thread is to do next.
pub(super) struct Wishes {
    /// The card to announce.
    pub(super) card: Option<NodeCard>,
    /// The lease is lost, or the node leaves.
    pub(super) is_over: bool,
}

impl Board {
    pub(super) fn new(times: LeaseTimes) -> Self {
        let (cards, own, standing) = (BTreeMap::new(), None, Standing::Holding);
        let state = State { changes: 0, cards, own, renewed: now(), standing, is_closed: false };
        let holding = times.lease * 2 / 3;
        let patience = Patience { holding, suspended: holding + times.ride_out };
        Self { state: Mutex::new(state), patience }
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
        let is_over = state.aged(at, self.patience) == Standing::Lost || state.is_closed;
        Wishes { card: state.own.clone(), is_over }
    }

    /// The lease was renewed by a request that went out at `sent`: a suspended node goes on. Who
    /// was told that it is gone stays so.
    pub(super) fn renewed(&self, sent: Instant, at: Instant) {
        let mut state = self.lock();
        if state.aged(at, self.patience) == Standing::Suspended {
            state.standing = Standing::Holding;
        }
        state.renewed = sent;
        state.aged(at, self.patience);
    }

    /// The lease is gone.
    pub(super) fn lost(&self) {
        self.lock().standing = Standing::Lost;
    }

    /// Whether the node is gone.
    pub(super) fn is_lost(&self, at: Instant) -> bool {
        self.lock().aged(at, self.patience) == Standing::Lost
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
        let mut state = self.lock();
        let standing = state.aged(at, self.patience);
        let before = std::mem::replace(&mut seen.standing, standing);
        if before < standing {
            let fallen = standing == Standing::Suspended;
            let event = if fallen { DirectoryEvent::Suspended } else { DirectoryEvent::Gone(me) };
            events.push(event);
        }
        if standing == Standing::Lost {
            return;
        }
        if seen.changes != Some(state.changes) {
            seen.follow(&state, events);
        }
        // What was missed meanwhile is told first.
        if before > standing {
            events.push(DirectoryEvent::Resumed);
        }
    }
}

impl Seen {
    /// Tells what of the others is new.
    fn follow(&mut self, state: &State, events: &mut Vec<DirectoryEvent>) {
        self.changes = Some(state.changes);
        let gone = self.cards.keys().filter(|node| !state.cards.contains_key(node));
        events.extend(gone.map(|node| DirectoryEvent::Gone(*node)));
        let new = state.cards.iter().filter(|(node, card)| self.cards.get(node) != Some(card));
        events.extend(new.map(|(_, card)| DirectoryEvent::Changed(card.clone())));
        self.cards.clone_from(&state.cards);
    }
}

impl State {
    /// How the node stands at a moment.
    fn aged(&mut self, at: Instant, patience: Patience) -> Standing {
        let age = at.saturating_duration_since(self.renewed);
        let worse = match age {
            age if age > patience.suspended => Standing::Lost,
            age if age > patience.holding => Standing::Suspended,
            _ => Standing::Holding,
        };
        self.standing = self.standing.max(worse);
        self.standing
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

    const TIMES: LeaseTimes = LeaseTimes {
        lease: Duration::from_secs(3),
        look: Duration::from_millis(200),
        ride_out: Duration::from_secs(60),
    };
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
        let (board, mut seen, at) = (Board::new(TIMES), Seen::default(), now());
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
    fn a_node_that_could_not_renew_for_two_thirds_of_its_lease_is_suspended_until_it_could() {
        let (board, mut seen, begun) = (Board::new(TIMES), Seen::default(), now());
        board.renewed(begun, begun);
        let (late, too_late) = (begun + TIMES.lease * 2 / 3, begun + TIMES.lease * 3 / 4);
        assert_eq!(news(&board, late, &mut seen), []);
        assert_eq!(news(&board, too_late, &mut seen), [DirectoryEvent::Suspended]);
        assert_eq!(news(&board, too_late, &mut seen), [], "it is told once");
        board.renewed(begun, too_late);
        assert_eq!(news(&board, too_late, &mut seen), [], "that answer was under way too long");
        board.changed(vec![card(2, 1, 0)], &[], false);
        board.renewed(too_late, too_late);
        let expected = [DirectoryEvent::Changed(card(2, 1, 0)), DirectoryEvent::Resumed];
        assert_eq!(news(&board, too_late, &mut seen), expected);
        assert_eq!(news(&board, late + TIMES.lease, &mut seen), [DirectoryEvent::Suspended]);
    }

    #[test]
    fn a_node_that_was_declared_gone_or_suspended_for_too_long_never_returns() {
        for declared in [true, false] {
            let (board, mut seen, begun) = (Board::new(TIMES), Seen::default(), now());
            board.renewed(begun, begun);
            let end = begun + TIMES.lease * 3 / 4 + TIMES.ride_out;
            if declared {
                board.lost();
            }
            assert_eq!(news(&board, end, &mut seen), [DirectoryEvent::Gone(ME)]);
            board.renewed(end, end);
            assert!(board.is_lost(end));
            board.changed(vec![card(2, 1, 0)], &[], false);
            assert_eq!(news(&board, end, &mut seen), [], "nothing comes after the end");
        }
    }

    #[test]
    fn only_loads_may_wait() {
        let board = Board::new(TIMES);
        assert!(board.announce(&card(1, 1, 0)));
        assert!(!board.announce(&card(1, 1, 7)));
        let draining = NodeCard { state: NodeState::Draining, ..card(1, 1, 7) };
        assert!(board.announce(&draining));
    }
}
