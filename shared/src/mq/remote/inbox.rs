//! What has come for one role of this node from other nodes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::MQ_FRAMES_WAITING_MAX;
use crate::mq::MqEvent;
use crate::mq::local::take_some;
use crate::runtime::Doorbell;

/// Events that wait for the role when frames that did not arrive come back to it. Beyond it they
/// are lost with a warning; frames of others stop at half of it.
const RETURNED_WAITING_MAX: usize = 2 * MQ_FRAMES_WAITING_MAX;
/// Links that wait for room are woken when no more than this is left.
const WAITING_AT_WAKE: usize = MQ_FRAMES_WAITING_MAX / 2;

/// How many frames an inbox takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// So many.
    For(usize),
    /// None now. Whoever polls will say when there is room again.
    Full,
    /// None ever.
    Closed,
}

#[derive(Debug)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    wake: Doorbell,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<MqEvent>,
    closed: bool,
    /// A link has something that found no room.
    wanted: bool,
}

impl Inbox {
    pub(super) fn new(wake: Doorbell) -> Self {
        Self { queue: Mutex::default(), wake }
    }

    pub(super) fn room(&self) -> Room {
        let mut queue = self.lock();
        if queue.closed {
            return Room::Closed;
        }
        match MQ_FRAMES_WAITING_MAX.saturating_sub(queue.events.len()) {
            0 => {
                queue.wanted = true;
                Room::Full
            }
            room => Room::For(room),
        }
    }

    /// Moves all of `events` in. If it is closed by now, it leaves them.
    pub(super) fn extend(&self, events: &mut Vec<MqEvent>) {
        let mut queue = self.lock();
        if queue.closed || events.is_empty() {
            return;
        }
        let was_empty = queue.events.is_empty();
        queue.events.extend(events.drain(..));
        drop(queue);
        if was_empty {
            self.wake.ring();
        }
    }

    /// Takes back a frame that did not arrive. False if it is lost.
    pub(super) fn take_back(&self, unsent: MqEvent) -> bool {
        let mut queue = self.lock();
        if queue.closed {
            return true;
        }
        if queue.events.len() >= RETURNED_WAITING_MAX {
            return false;
        }
        let was_empty = queue.events.is_empty();
        queue.events.push_back(unsent);
        drop(queue);
        if was_empty {
            self.wake.ring();
        }
        true
    }

    /// Moves at most `limit` events out. Says whether a link waits for the room.
    pub(super) fn drain(&self, limit: usize, events: &mut Vec<MqEvent>) -> bool {
        let mut left = limit;
        loop {
            let mut queue = self.lock();
            left -= take_some(&mut queue.events, left, events);
            if left == 0 || queue.events.is_empty() {
                break;
            }
        }
        let mut queue = self.lock();
        let wake = queue.wanted && queue.events.len() <= WAITING_AT_WAKE;
        queue.wanted &= !wake;
        wake
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().events.len()
    }

    /// Takes nothing more. `give_back` gets each frame that waits, before anybody can see that
    /// the inbox is closed, so that frames which come later go back later.
    pub(super) fn close(&self, mut give_back: impl FnMut(MqEvent)) {
        let mut queue = self.lock();
        queue.closed = true;
        std::mem::take(&mut queue.events).into_iter().for_each(&mut give_back);
    }

    /// Nothing panics while the lock is held, so a poisoned one holds no broken state.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
