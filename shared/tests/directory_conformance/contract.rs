//! The behaviours that every directory keeps, and the ways to ask for them. They know no back-end:
//! whoever mounts this file brings a [`Fabric`].

use std::time::{Duration, Instant};

use shared::directory::{Directory, DirectoryEvent, NodeCard, NodeState};
use shared::ids::{NodeId, Role};

/// Longer than anything here may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
pub(crate) const BUILD: &str = "0.4.2";

/// A directory that nodes can join.
pub(crate) trait Fabric {
    type Handle: Directory;
    fn join(&self, node: NodeId) -> Self::Handle;
}

/// A handle whose events are waited for.
pub(crate) struct Watcher<H> {
    pub(crate) handle: H,
    events: Vec<DirectoryEvent>,
}

impl<H: Directory> Watcher<H> {
    pub(crate) fn join<F: Fabric<Handle = H>>(fabric: &F, node: NodeId) -> Self {
        Self::of(fabric.join(node))
    }

    pub(crate) fn of(handle: H) -> Self {
        Self { handle, events: Vec::new() }
    }

    /// The next `count` events.
    pub(crate) fn until_seen(&mut self, count: usize) -> Vec<DirectoryEvent> {
        until("the directory tells what has changed", || {
            self.handle.poll(&mut self.events);
            self.events.len() >= count
        });
        self.events.drain(..count).collect()
    }
}

/// Looks again and again until it is so.
#[expect(clippy::disallowed_methods, reason = "a test that waits needs a deadline")]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "never: {what}");
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

pub(crate) fn id(node: u16, incarnation: u32) -> NodeId {
    NodeId { node, incarnation }
}

pub(crate) fn card(id: NodeId, state: NodeState) -> NodeCard {
    let roles = vec![(Role::Social, 0)];
    NodeCard { id, state, build: String::from(BUILD), roles, link: None, page: None }
}

/// Checks all behaviours against a back-end.
macro_rules! conformance {
    ($backend:ident, $fabric:expr) => {
        mod $backend {
            #[test]
            fn a_join_is_seen_by_all_and_by_those_who_come_later() {
                super::contract::a_join_is_seen_by_all_and_by_those_who_come_later(&$fabric);
            }

            #[test]
            fn a_change_is_seen_by_all_and_a_repeat_is_not() {
                super::contract::a_change_is_seen_by_all_and_a_repeat_is_not(&$fabric);
            }

            #[test]
            fn a_card_of_somebody_else_is_not_announced() {
                super::contract::a_card_of_somebody_else_is_not_announced(&$fabric);
            }

            #[test]
            fn who_leaves_is_gone_and_does_not_return() {
                super::contract::who_leaves_is_gone_and_does_not_return(&$fabric);
            }

            #[test]
            fn who_is_dropped_is_gone() {
                super::contract::who_is_dropped_is_gone(&$fabric);
            }

            #[test]
            fn a_new_incarnation_takes_the_place_of_one_that_left() {
                super::contract::a_new_incarnation_takes_the_place_of_one_that_left(&$fabric);
            }
        }
    };
}

pub(crate) fn a_join_is_seen_by_all_and_by_those_who_come_later<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let joined = [DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready))];
    assert_eq!(one.until_seen(1), joined);
    assert_eq!(two.until_seen(1), joined);
    assert_eq!(Watcher::join(fabric, id(3, 1)).until_seen(1), joined);
}

pub(crate) fn a_change_is_seen_by_all_and_a_repeat_is_not<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Starting));
    assert_eq!(two.until_seen(1).len(), 1);
    for _ in 0..3 {
        one.handle.announce(&card(id(1, 1), NodeState::Starting));
    }
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let ready = DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1), [ready]);
    let mut busy = card(id(1, 1), NodeState::Ready);
    busy.roles[0].1 = 70;
    one.handle.announce(&busy);
    assert_eq!(two.until_seen(1), [DirectoryEvent::Changed(busy)]);
}

pub(crate) fn a_card_of_somebody_else_is_not_announced<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(2, 1), NodeState::Draining));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let expected = [DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready))];
    assert_eq!(two.until_seen(1), expected);
}

pub(crate) fn who_leaves_is_gone_and_does_not_return<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1).len(), 1);
    one.handle.leave();
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1), [DirectoryEvent::Gone(id(1, 1))]);
    two.handle.announce(&card(id(2, 1), NodeState::Ready));
    let expected = [DirectoryEvent::Changed(card(id(2, 1), NodeState::Ready))];
    assert_eq!(two.until_seen(1), expected);
    assert_eq!(Watcher::join(fabric, id(3, 1)).until_seen(1), expected, "only who is there");
}

pub(crate) fn who_is_dropped_is_gone<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1).len(), 1);
    drop(one);
    assert_eq!(two.until_seen(1), [DirectoryEvent::Gone(id(1, 1))]);
}

pub(crate) fn a_new_incarnation_takes_the_place_of_one_that_left<F: Fabric>(fabric: &F) {
    let (mut old, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    old.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1).len(), 1);
    drop(old);
    let mut new = Watcher::join(fabric, id(1, 2));
    new.handle.announce(&card(id(1, 2), NodeState::Ready));
    let ready = DirectoryEvent::Changed(card(id(1, 2), NodeState::Ready));
    assert_eq!(two.until_seen(2), [DirectoryEvent::Gone(id(1, 1)), ready]);
}
