//! How far one client is: what it was sent, what it has, and when its stream may carry a snapshot.

use shared::msg::snapshot::BASELINES_MAX;

/// Ticks between two snapshots on one client's stream at least: 250 ms.
pub const STREAM_TICKS_MIN: u32 = 5;
/// The same for a client that acknowledges nothing: each one doubles the time up to 2 s.
pub const STREAM_TICKS_MAX: u32 = 40;

/// Snapshots on the stream that a spectator may leave unacknowledged. One more, and it is gone.
pub const SPECTATOR_UNANSWERED_MAX: u32 = 8;

/// A client claims to have a snapshot that it was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeverSent;

/// How far one client is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    acknowledged: Option<u32>,
    /// The tick that was sent first, and last; none if nothing was sent.
    sent: Option<(u32, u32)>,
    /// Bit n: the tick n before the last one was sent.
    recent: u32,
    /// When the stream may carry a snapshot again.
    stream_due: u32,
    stream_wait: u32,
    /// Snapshots on the stream since the client acknowledged something new.
    unanswered: u32,
}

impl Default for Progress {
    fn default() -> Self {
        let stream_wait = STREAM_TICKS_MIN;
        let (acknowledged, sent) = (None, None);
        Self { acknowledged, sent, recent: 0, stream_due: 0, stream_wait, unanswered: 0 }
    }
}

impl Progress {
    /// Takes the newest tick that the client has; zero if it has none that it can go on from.
    pub(super) fn acknowledge(&mut self, seen: u32) -> Result<(), NeverSent> {
        if seen == 0 {
            self.acknowledged = None;
            return Ok(());
        }
        let (first, last) = self.sent.ok_or(NeverSent)?;
        let age = last.checked_sub(seen).ok_or(NeverSent)?;
        let was_sent = self.recent.checked_shr(age).map_or(seen >= first, |bits| bits & 1 == 1);
        if !was_sent {
            return Err(NeverSent);
        }
        if self.acknowledged.is_none_or(|before| before < seen) {
            self.acknowledged = Some(seen);
            self.stream_wait = STREAM_TICKS_MIN;
            self.unanswered = 0;
        }
        Ok(())
    }

    /// The newest tick that the client is known to have.
    pub(super) const fn acknowledged(&self) -> Option<u32> {
        self.acknowledged
    }

    /// The oldest tick that could still become the client's baseline.
    pub(super) fn oldest_useful(&self) -> Option<u32> {
        let (_, last) = self.sent?;
        let oldest = (u32::BITS - 1).saturating_sub(self.recent.leading_zeros());
        Some(self.acknowledged.unwrap_or_else(|| last.saturating_sub(oldest)))
    }

    /// Whether the client has left more snapshots unanswered than a spectator may.
    pub(super) const fn is_silent(&self) -> bool {
        self.unanswered > SPECTATOR_UNANSWERED_MAX
    }

    /// Whether the stream may carry a snapshot in tick `now`.
    pub(super) const fn may_stream(&self, now: u32) -> bool {
        now >= self.stream_due
    }

    /// Sends the snapshot of tick `now`, unless it has to go by stream and may not yet.
    pub(super) fn send(&mut self, now: u32, by_stream: bool) -> bool {
        if by_stream {
            if !self.may_stream(now) {
                return false;
            }
            self.unanswered += 1;
            self.stream_due = now.saturating_add(self.stream_wait);
            self.stream_wait = (2 * self.stream_wait).min(STREAM_TICKS_MAX);
        }
        let (first, last) = self.sent.unwrap_or((now, now));
        self.recent = self.recent.checked_shl(now.saturating_sub(last)).unwrap_or(0) | 1;
        self.sent = Some((first, now));
        true
    }
}

const _: () = assert!(BASELINES_MAX <= u32::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_can_be_acknowledged_and_nothing_else() {
        let mut progress = Progress::default();
        assert_eq!(progress.acknowledge(1), Err(NeverSent), "nothing was sent");
        assert!(progress.send(10, true) && progress.send(12, false) && progress.send(60, false));
        for never in [9, 11, 13, 59, 61, u32::MAX] {
            let taken = progress.acknowledge(never);
            // What is older than the bits is believed from the first one on; it is too old to use.
            let old = (10..=28).contains(&never);
            assert_eq!(taken.is_ok(), old, "{never}");
        }
        assert_eq!(progress.acknowledge(60), Ok(()));
        assert_eq!(progress.acknowledge(12), Ok(()), "it came late");
        assert_eq!(progress.acknowledged(), Some(60));
        assert_eq!(progress.acknowledge(0), Ok(()));
        assert_eq!(progress.acknowledged(), None, "it asks for a keyframe");
    }

    #[test]
    fn a_client_that_never_acknowledges_gets_fewer_and_fewer_keyframes() {
        let mut progress = Progress::default();
        let sent: Vec<u32> = (1..=200).filter(|tick| progress.send(*tick, true)).collect();
        assert_eq!(sent, [1, 6, 16, 36, 76, 116, 156, 196]);
        progress.acknowledge(196).expect("it was sent");
        let sent: Vec<u32> = (201..=260).filter(|tick| progress.send(*tick, true)).collect();
        assert_eq!(sent, [236, 241, 251], "it begins anew");
    }

    #[test]
    fn what_could_still_be_acknowledged_is_kept() {
        let mut progress = Progress::default();
        assert_eq!(progress.oldest_useful(), None);
        progress.send(10, true);
        progress.send(15, true);
        assert_eq!(progress.oldest_useful(), Some(10));
        progress.acknowledge(15).expect("it was sent");
        assert_eq!(progress.oldest_useful(), Some(15));
        progress.send(50, false);
        progress.acknowledge(0).expect("it asks");
        assert_eq!(progress.oldest_useful(), Some(50), "older ones are of no use");
    }
}
