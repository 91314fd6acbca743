//! One suite of behaviours that every directory back-end keeps, and what only leases bring.

#[path = "directory_conformance/leases.rs"]
mod leases;
#[path = "servers/redis.rs"]
mod servers;
#[path = "directory_conformance/subject.rs"]
mod subject;

use shared::directory::{Directory, DirectoryEvent, NodeState};

use subject::{Fabric, Watcher, card, id};

/// Runs each behaviour against each back-end.
macro_rules! conformance {
    ($($behaviour:ident),* $(,)?) => {
        mod local_directory {
            $(#[test] fn $behaviour() {
                crate::$behaviour(&shared::directory::local::LocalDirectory::new());
            })*
        }
        mod redis_directory {
            $(#[test] fn $behaviour() {
                crate::$behaviour(&crate::subject::Redis::new());
            })*
        }
    };
}

conformance! {
    a_join_is_seen_by_all_and_by_those_who_come_later,
    a_change_is_seen_by_all_and_a_repeat_is_not,
    a_card_of_somebody_else_is_not_announced,
    who_leaves_is_gone_and_does_not_return,
    who_is_dropped_is_gone,
    a_new_incarnation_takes_the_place_of_one_that_left,
}

fn a_join_is_seen_by_all_and_by_those_who_come_later<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let joined = [DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready))];
    assert_eq!(one.until_seen(1), joined);
    assert_eq!(two.until_seen(1), joined);
    assert_eq!(Watcher::join(fabric, id(3, 1)).until_seen(1), joined);
}

fn a_change_is_seen_by_all_and_a_repeat_is_not<F: Fabric>(fabric: &F) {
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

fn a_card_of_somebody_else_is_not_announced<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(2, 1), NodeState::Draining));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let expected = [DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready))];
    assert_eq!(two.until_seen(1), expected);
}

fn who_leaves_is_gone_and_does_not_return<F: Fabric>(fabric: &F) {
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

fn who_is_dropped_is_gone<F: Fabric>(fabric: &F) {
    let (mut one, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1).len(), 1);
    drop(one);
    assert_eq!(two.until_seen(1), [DirectoryEvent::Gone(id(1, 1))]);
}

fn a_new_incarnation_takes_the_place_of_one_that_left<F: Fabric>(fabric: &F) {
    let (mut old, mut two) = (Watcher::join(fabric, id(1, 1)), Watcher::join(fabric, id(2, 1)));
    old.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1).len(), 1);
    drop(old);
    let mut new = Watcher::join(fabric, id(1, 2));
    new.handle.announce(&card(id(1, 2), NodeState::Ready));
    let ready = DirectoryEvent::Changed(card(id(1, 2), NodeState::Ready));
    assert_eq!(two.until_seen(2), [DirectoryEvent::Gone(id(1, 1)), ready]);
}
