//! What comes without having been asked for, in a bounded queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use shared::msg::client::Event;
use shared::msg::snapshot::{Baselines, Snapshot};

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
    /// A snapshot of the battle that began, or began to be watched, last. Snapshots may be lost and
    /// may overtake each other.
    Snapshot(Snapshot),
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
    snapshots: VecDeque<Snapshot>,
    snapshots_dropped: u64,
    /// What those that come continue.
    baselines: Baselines,
    closed: Option<CloseReason>,
    /// Nobody takes anything any more.
    abandoned: bool,
}

impl Inbox {
    /// Adds an event. Returns false if there is no room.
    pub(crate) fn put_event(&self, event: Event) -> bool {
        let room = self.with(|queues| {
            let room = queues.events.len() < EVENTS_WAITING_MAX;
            if let Event::BattleStarted(_) | Event::WatchStarted(_) = event {
                queues.baselines.clear();
                queues.snapshots.clear();
            }
            if room && !queues.abandoned {
                queues.events.push_back(event);
            }
            room
        });
        self.arrived.notify_one();
        room
    }

    /// Reads a snapshot and adds it; drops the oldest at the limit. What cannot be read, because it
    /// continues something that is not here, is ignored: the server is told with the next commands.
    pub(crate) fn put_snapshot(&self, bytes: &[u8]) {
        self.with(|queues| {
            let Ok(snapshot) = queues.baselines.take(bytes) else { return };
            if queues.abandoned {
                return;
            }
            if queues.snapshots.len() == SNAPSHOTS_WAITING_MAX {
                queues.snapshots.pop_front();
                queues.snapshots_dropped += 1;
            }
            queues.snapshots.push_back(snapshot.clone());
        });
        self.arrived.notify_one();
    }

    /// The newest tick that is here, or zero to ask for a keyframe.
    pub(crate) fn seen_tick(&self) -> u32 {
        self.with(|queues| queues.baselines.seen_tick())
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
    use shared::msg::client::BattleStart;
    use shared::msg::snapshot::encode;

    use super::*;

    fn keyframe(tick: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(1, &Snapshot { tick, unit_mm: 1, ..Snapshot::default() }, None, &mut bytes);
        bytes
    }

    #[test]
    fn old_snapshots_make_room_and_are_counted() {
        let inbox = Arc::new(Inbox::default());
        let mut events = Events::new(Arc::clone(&inbox));
        for tick in 1..=u32::try_from(SNAPSHOTS_WAITING_MAX).unwrap() + 1 {
            inbox.put_snapshot(&keyframe(tick));
        }
        let Some(Received::Snapshot(first)) = events.try_next() else { panic!("they are there") };
        assert_eq!((first.tick, events.snapshots_dropped()), (2, 1));
    }

    #[test]
    fn a_battle_that_begins_ends_what_was_there_of_another() {
        let inbox = Arc::new(Inbox::default());
        let mut events = Events::new(Arc::clone(&inbox));
        inbox.put_snapshot(&keyframe(9));
        assert_eq!(inbox.seen_tick(), 9);
        let start = BattleStart {
            battle: shared::ids::BattleId(1),
            slot: 0,
            fighters: Vec::new(),
            map: Box::default(),
            ticks_max: 1,
        };
        assert!(inbox.put_event(Event::BattleStarted(start.clone())));
        assert_eq!(inbox.seen_tick(), 0);
        assert_eq!(events.try_next(), Some(Received::Event(Event::BattleStarted(start))));
        assert_eq!(events.try_next(), None);
    }

    #[test]
    fn what_nobody_wants_does_not_pile_up() {
        let inbox = Arc::new(Inbox::default());
        drop(Events::new(Arc::clone(&inbox)));
        for _ in 0..=EVENTS_WAITING_MAX {
            assert!(inbox.put_event(Event::Queued));
            inbox.put_snapshot(&keyframe(1));
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
