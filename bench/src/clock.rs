//! The only file of this crate that reads the clock, or waits for time to pass.

use std::time::{Duration, Instant};

/// Short enough that what waits in any queue of a benchmark lasts for longer.
const ROOM_PAUSE: Duration = Duration::from_micros(200);

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, in this file")]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets time pass, for what tells nobody when it is ready.
#[expect(clippy::disallowed_methods, reason = "a server of another process is asked now and then")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// What a sender does that finds no room: nothing, for a part of a tick, as a role would. To spin
/// would take the processor from those who make room.
pub(crate) fn wait_for_room() {
    pause(ROOM_PAUSE);
}

/// Microseconds since `start`.
#[must_use]
pub fn micros_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}
