//! What comes without having been asked for, in a bounded queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use shared::msg::client::Event;

use crate::error::CloseReason;

/// Events that wait to be taken. At the limit the connection ends with
/// [`CloseReason::EventsOverflowed`]: an event is never dropped in silence.
pub const EVENTS_WAITING_MAX: usize = 1_024;
/// Snapshots that wait to be taken. At the limit the oldest is dropped: newer ones replace it.
pub const SNAPSHOTS_WAITING_MAX: usize = 16;

/// Something that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event.
    Event(Event),
    /// A snapshot of the battle, without the byte that marks it as one. Snapshots may be lost and
    /// may overtake each other.
    Snapshot(Bytes),
    /// The connection has ended; nothing more comes, and this is said again to whoever asks.
    Closed(CloseReason),
}

/// The receiving end of a client: events first, then snapshots, in the order in which they came.
/// Whoever drops it is not interested: what comes later is thrown away.
#[derive(Debug)]
pub struct Events {
    inbox: Arc<Inbox>,
}

impl Events {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox }
    }

    /// Waits for the next thing that comes. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Received {
        loop {
            if let Some(received) = self.try_next() {
                return received;
            }
            self.inbox.arrived.notified().await;
        }
    }

    /// The next thing that has come, if there is one.
    pub fn try_next(&mut self) -> Option<Received> {
        self.inbox.with(|queues| {
            let event = queues.events.pop_front().map(Received::Event);
            event
                .or_else(|| queues.snapshots.pop_front().map(Received::Snapshot))
                .or_else(|| queues.closed.clone().map(Received::Closed))
        })
    }

    /// How many snapshots were dropped because they were not taken in time.
    #[must_use]
    pub fn snapshots_dropped(&self) -> u64 {
        self.inbox.with(|queues| queues.snapshots_dropped)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.inbox.with(|queues| {
            queues.abandoned = true;
            queues.events = VecDeque::new();
            queues.snapshots = VecDeque::new();
        });
    }
}

/// The queues between a connection and its [`Events`].
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queues {
    events: VecDeque<Event>,
    snapshots: VecDeque<Bytes>,
    snapshots_dropped: u64,
    closed: Option<CloseReason>,
    /// Nobody takes anything any more.
    abandoned: bool,
}

impl Inbox {
    /// Adds an event. Returns false if there is no room.
    pub(crate) fn put_event(&self, event: Event) -> bool {
        let room = self.with(|queues| {
            let room = queues.events.len() < EVENTS_WAITING_MAX;
            if room && !queues.abandoned {
                queues.events.push_back(event);
            }
            room
        });
        self.arrived.notify_one();
        room
    }

    /// Adds a snapshot; drops the oldest at the limit.
    pub(crate) fn put_snapshot(&self, bytes: Bytes) {
        self.with(|queues| {
            if queues.abandoned {
                return;
            }
            if queues.snapshots.len() == SNAPSHOTS_WAITING_MAX {
                queues.snapshots.pop_front();
                queues.snapshots_dropped += 1;
            }
            queues.snapshots.push_back(bytes);
        });
        self.arrived.notify_one();
    }

    /// Ends the queue; the first reason stays.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.with(|queues| {
            queues.closed.get_or_insert(reason);
        });
        self.arrived.notify_one();
    }

    fn with<T>(&self, act: impl FnOnce(&mut Queues) -> T) -> T {
        // The queues are whole between two statements, so a panic elsewhere leaves them usable.
        act(&mut self.queues.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_snapshots_make_room_and_are_counted() {
        let inbox = Arc::new(Inbox::default());
        let mut events = Events::new(Arc::clone(&inbox));
        for n in 0..=u8::try_from(SNAPSHOTS_WAITING_MAX).unwrap() {
            inbox.put_snapshot(Bytes::copy_from_slice(&[n]));
        }
        assert_eq!(events.try_next(), Some(Received::Snapshot(Bytes::from_static(&[1]))));
        assert_eq!(events.snapshots_dropped(), 1);
    }

    #[test]
    fn what_nobody_wants_does_not_pile_up() {
        let inbox = Arc::new(Inbox::default());
        drop(Events::new(Arc::clone(&inbox)));
        for _ in 0..=EVENTS_WAITING_MAX {
            assert!(inbox.put_event(Event::Queued));
            inbox.put_snapshot(Bytes::new());
        }
        assert!(inbox.with(|queues| queues.events.is_empty() && queues.snapshots.is_empty()));
    }

    #[test]
    fn events_are_never_dropped_and_come_before_the_end() {
        let inbox = Arc::new(Inbox::default());
        let mut events = Events::new(Arc::clone(&inbox));
        for _ in 0..EVENTS_WAITING_MAX {
            assert!(inbox.put_event(Event::Queued));
        }
        assert!(!inbox.put_event(Event::Queued), "the caller has to end the connection");
        inbox.close(CloseReason::EventsOverflowed);
        inbox.close(CloseReason::ByUs);
        for _ in 0..EVENTS_WAITING_MAX {
            assert_eq!(events.try_next(), Some(Received::Event(Event::Queued)));
        }
        for _ in 0..2 {
            let closed = Received::Closed(CloseReason::EventsOverflowed);
            assert_eq!(events.try_next(), Some(closed));
        }
    }
}
