//! What the node tells a role's thread: changes of the directory, drain, stop.
//!
//! Changes wait per node, the newest winning, so that a role that is held up cannot make them grow
//! beyond the number of nodes. So do words about the own lease: a role that was held up while its
//! node was suspended and resumed has kept what nobody else has taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::doorbell::Doorbell;
use crate::core::Input;
use crate::directory::DirectoryEvent;
use crate::ids::NodeId;

/// The letterbox between a node and one of its roles.
#[derive(Debug)]
pub(super) struct Control {
    waiting: Mutex<Waiting>,
    any: AtomicBool,
    stop: AtomicBool,
    doorbell: Doorbell,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: BTreeMap<NodeId, DirectoryEvent>,
    /// [`DirectoryEvent::Suspended`] or [`DirectoryEvent::Resumed`].
    standing: Option<DirectoryEvent>,
    drain: bool,
}

impl Control {
    pub(super) fn new(doorbell: Doorbell) -> Self {
        let (any, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { waiting: Mutex::new(Waiting::default()), any, stop, doorbell }
    }

    /// Hands changes over.
    pub(super) fn changed(&self, events: &[DirectoryEvent]) {
        if events.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for event in events {
            let node = match event {
                DirectoryEvent::Changed(card) => card.id,
                DirectoryEvent::Gone(node) => *node,
                DirectoryEvent::Suspended | DirectoryEvent::Resumed => {
                    waiting.standing = Some(event.clone());
                    continue;
                }
            };
            waiting.changes.insert(node, event.clone());
        }
        drop(waiting);
        self.notify();
    }

    /// Has the core drain.
    pub(super) fn drain(&self) {
        self.lock().drain = true;
        self.notify();
    }

    /// Has the thread end before its next tick.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.doorbell.ring();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Moves what waits into `inputs`. Says whether a drain was among it.
    pub(super) fn take(&self, inputs: &mut Vec<Input>) -> bool {
        if !self.any.swap(false, Ordering::Acquire) {
            return false;
        }
        let waiting = std::mem::take(&mut *self.lock());
        // Who resumes acquires keys, and has to know before who is still there.
        inputs.extend(waiting.changes.into_values().map(Input::Directory));
        inputs.extend(waiting.standing.map(Input::Directory));
        if waiting.drain {
            inputs.push(Input::Drain);
        }
        waiting.drain
    }

    fn notify(&self) {
        self.any.store(true, Ordering::Release);
        self.doorbell.ring();
    }

    /// Nothing panics while the lock is held, so a poisoned one holds no broken state.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{NodeCard, NodeState};

    fn changed(build: &str) -> DirectoryEvent {
        DirectoryEvent::Changed(NodeCard {
            id: NodeId { node: 1, incarnation: 1 },
            state: NodeState::Ready,
            build: String::from(build),
            roles: Vec::new(),
            link: None,
            page: None,
        })
    }

    #[test]
    fn only_the_newest_change_of_a_node_waits() {
        let control = Control::new(Doorbell::new());
        control.changed(&[changed("a"), changed("b")]);
        control.drain();
        let mut inputs = Vec::new();
        assert!(control.take(&mut inputs));
        assert_eq!(inputs, [Input::Directory(changed("b")), Input::Drain]);
        inputs.clear();
        assert!(!control.take(&mut inputs));
        assert_eq!(inputs, []);
    }

    #[test]
    fn who_resumes_knows_first_who_is_there() {
        let control = Control::new(Doorbell::new());
        control.changed(&[DirectoryEvent::Suspended, DirectoryEvent::Resumed, changed("a")]);
        let mut inputs = Vec::new();
        control.take(&mut inputs);
        let expected = [changed("a"), DirectoryEvent::Resumed].map(Input::Directory);
        assert_eq!(inputs, expected);
    }
}
