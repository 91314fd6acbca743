//! What goes with a request from node to node besides the request: how long its asker waits, and
//! who follows it.
//!
//! A request also has a name under which its effect happens once: of a client's request its
//! [`crate::ids::RequestId`] per player, of a ticket, a battle and a session their ids. Whoever is
//! asked again under the same name answers as before. No answer in time means that the outcome is
//! unknown to the asker.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, RefusalCode};
use crate::ids::Role;
use crate::rng;

/// Goes with a request, in a box: frames are moved a lot and stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// When it was sent, in ms of the sending role's own ticks: means nothing by itself, see
    /// [`crate::lateness::Lateness`].
    pub sent_ms: u64,
    /// How long the asker waits, in ms. What is later than that is not carried out.
    pub budget_ms: u32,
    /// Under which name it is followed through the logs of all nodes, if it is.
    pub trace: Option<Trace>,
}

/// W3C trace context: <https://www.w3.org/TR/trace-context/>. Cores only copy it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Trace id, high and low half. Never zero.
    pub id: (u64, u64),
    /// Span of whoever began it: a client's request at its gateway. Never zero.
    pub span: u64,
    /// Flags; 1 = sampled.
    pub flags: u8,
}

impl Trace {
    /// The trace of the `number`-th request of a node's life, whose name is `unique`.
    #[must_use]
    pub fn new(unique: u64, number: u64) -> Self {
        let draw = |purpose| rng::mix(unique, &[number, purpose]).max(1);
        Self { id: (draw(1), draw(2)), span: draw(3), flags: 1 }
    }

    /// Says in the log that the request has come this far.
    pub fn note(&self, role: Role, what: &'static str) {
        tracing::info!(target: "trace", trace = %self, %role, what, "request");
    }
}

/// As the header `traceparent` has it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id: (high, low), span, flags } = self;
        write!(f, "00-{high:016x}{low:016x}-{span:016x}-{flags:02x}")
    }
}

/// Of somebody who waits for ever and is not followed.
impl Default for Head {
    fn default() -> Self {
        Self { sent_ms: 0, budget_ms: u32::MAX, trace: None }
    }
}

impl Head {
    /// Says in the log that a followed request has come this far; nothing for any other.
    pub fn note(&self, role: Role, what: &'static str) {
        if let Some(trace) = &self.trace {
            trace.note(role, what);
        }
    }
}

/// What a request is told that came after its asker had given up.
#[must_use]
pub fn too_late() -> Refusal {
    let text = "the request came too late and was not carried out; try again";
    Refusal::new(RefusalCode::Unavailable, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_reads_as_its_header_and_no_two_requests_share_one() {
        let trace = Trace { id: (1, 0xAB), span: 0xC, flags: 1 };
        let expected = "00-000000000000000100000000000000ab-000000000000000c-01";
        assert_eq!(trace.to_string(), expected);
        assert_ne!(Trace::new(1, 1), Trace::new(1, 2));
        assert_ne!(Trace::new(1, 1), Trace::new(2, 1));
    }
}
