//! The thread of a node's lease: renews it, announces the card, reads what others have changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use redis::Value;

use super::board::{Board, Wishes, differ_in_load_only};
use super::{CARD_BYTES_MAX, JoinError, LeaseTimes, NODES_MAX, Nudged};
use crate::directory::NodeCard;
use crate::ids::NodeId;
use crate::store::redis::call::{Call, Script};
use crate::store::redis::clock::now;
use crate::store::redis::router::{CallError, Router};
use crate::store::redis::values::{array, bytes, fields, number, text};
use crate::wire;

/// The bucket that the directory stands in.
const BUCKET: u16 = 0;
/// Between two tries to join while the number is taken.
const JOIN_AGAIN: Duration = Duration::from_millis(100);

/// What one beat found out.
pub(super) struct Beat {
    pub(super) holds: bool,
    pub(super) revision: u64,
    pub(super) all: bool,
    pub(super) cards: Vec<NodeCard>,
    pub(super) gone: Vec<NodeId>,
}

/// A node's lease, as the server knows it.
pub(super) struct Lease {
    router: Router,
    node: NodeId,
    times: LeaseTimes,
}

impl Lease {
    pub(super) fn new(router: Router, node: NodeId, times: LeaseTimes) -> Self {
        Self { router, node, times }
    }

    /// Takes the number, if need be after the lease of who had it before has ended.
    pub(super) fn take(&mut self) -> Result<(), JoinError> {
        let begun = now();
        let again = crossbeam_channel::never::<()>();
        loop {
            let refused = match self.join() {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            let may_end = matches!(refused, JoinError::NumberTaken { .. });
            let waited = now().saturating_duration_since(begun);
            if !may_end || waited > self.times.lease * 3 / 2 {
                return Err(refused);
            }
            let _never = again.recv_timeout(JOIN_AGAIN);
        }
    }

    fn join(&mut self) -> Result<(), JoinError> {
        let call = self.call(Script::Join).number(NODES_MAX);
        let unreachable = JoinError::Unreachable;
        let mut answer = array(self.ask(call).map_err(unreachable)?).map_err(unreachable)?;
        let detail = if answer.len() > 1 { answer.swap_remove(1) } else { Value::Nil };
        let verdict = answer.into_iter().next().unwrap_or(Value::Nil);
        let node = self.node;
        match text(verdict).map_err(unreachable)?.as_str() {
            "joined" => Ok(()),
            "taken" => {
                let holder = number(detail).map_err(unreachable)?;
                Err(JoinError::NumberTaken { node, holder })
            }
            "spent" => Err(JoinError::IncarnationSpent { node }),
            "full" => Err(JoinError::Full),
            other => Err(unreachable(format!("it answers {other:?}"))),
        }
    }

    /// One look, which renews the lease and announces a card if told so.
    fn beat(&mut self, renew: bool, known: u64, card: Option<&[u8]>) -> Result<Beat, String> {
        let mut call = self.call(Script::Beat).number(u64::from(renew)).number(known);
        if let Some(card) = card {
            call = call.arg(card);
        }
        let [holds, revision, all, cards, gone] = fields(self.ask(call)?)?;
        let mut read = Vec::new();
        for card in array(cards)? {
            read.extend(card_of(&bytes(card)?));
        }
        let gone = array(gone)?.into_iter().map(|node| node_of(&text(node)?));
        Ok(Beat {
            holds: number(holds)? == 1,
            revision: number(revision)?,
            all: number(all)? == 1,
            cards: read,
            gone: gone.collect::<Result<_, _>>()?,
        })
    }

    fn leave(&mut self) -> Result<(), String> {
        let call = self.call(Script::Leave);
        self.ask(call).map(|_| ())
    }

    fn call(&self, script: Script) -> Call {
        let names = &self.router.routes.names;
        let mut call = Call::script(script, BUCKET);
        for what in ["leases", "cards", "state", "revisions", "gone"] {
            call = call.key(&names.of_bucket(BUCKET, &format!("directory:{what}")));
        }
        let lease = u64::try_from(self.times.lease.as_millis()).unwrap_or(u64::MAX);
        call.number(lease).number(self.node.node.into()).number(self.node.incarnation.into())
    }

    fn ask(&mut self, call: Call) -> Result<Value, String> {
        self.router.one(call).map(|(value, _)| value).map_err(|error| match error {
            CallError::Failed(what) | CallError::Damaged(what) => what,
        })
    }
}

/// The rounds of a lease.
pub(super) struct Beats {
    lease: Lease,
    board: Arc<Board>,
    nudged: Nudged,
    revision: u64,
    next_renewal: Instant,
    /// The card that the directory has.
    announced: Option<NodeCard>,
}

impl Beats {
    pub(super) fn new(lease: Lease, board: Arc<Board>, nudged: Nudged) -> Self {
        let (revision, announced) = (0, None);
        Self { lease, board, nudged, revision, next_renewal: now(), announced }
    }

    /// Goes on until the node leaves or has lost its lease.
    pub(super) fn run(mut self) {
        let mut pause = self.lease.times.look;
        let mut is_silent = false;
        loop {
            // Disconnected means that the node leaves; the board says so, too.
            let nudged = self.nudged.recv_timeout(pause);
            let Wishes { is_over, .. } = self.board.wishes(now());
            if is_over || nudged == Err(RecvTimeoutError::Disconnected) {
                return self.leave();
            }
            pause = self.lease.times.look;
            let answered = self.round();
            if let Err(why) = &answered {
                if self.lease.router.routes.halt.why().is_some() {
                    // Another store has taken the place of ours: there is nothing to wait for.
                    self.board.lost();
                }
                pause /= 4;
                if !is_silent {
                    tracing::warn!(node = %self.lease.node, why, "the directory did not answer");
                }
            }
            is_silent = answered.is_err();
        }
    }

    /// Looks once, and renews the lease if it is time.
    pub(super) fn round(&mut self) -> Result<(), String> {
        let Wishes { card, is_over } = self.board.wishes(now());
        if is_over {
            return Ok(());
        }
        let sent = now();
        let renew = sent >= self.next_renewal;
        // Loads change all the time; others hear of them when the lease is renewed.
        let announced = self.announced.as_ref();
        let is_told = |card: &NodeCard| {
            renew || announced.is_none_or(|known| !differ_in_load_only(known, card))
        };
        let card = card.filter(is_told);
        let bytes = card.as_ref().map(wire::encode);
        if let Some(bytes) = bytes.as_ref().filter(|bytes| bytes.len() > CARD_BYTES_MAX) {
            return Err(format!("the card has {} bytes, too many to announce", bytes.len()));
        }
        let beat = self.lease.beat(renew, self.revision, bytes.as_deref())?;
        if !beat.holds {
            self.board.lost();
            return Ok(());
        }
        if renew {
            self.board.renewed(sent, now());
            self.next_renewal = sent + self.lease.times.lease / 3;
        }
        self.announced = card.or(self.announced.take());
        if beat.revision != self.revision {
            self.revision = beat.revision;
            self.board.changed(beat.cards, &beat.gone, beat.all);
        }
        Ok(())
    }

    /// Leaves, so that nobody has to wait for the end of the lease.
    pub(super) fn leave(&mut self) {
        if let Err(why) = self.lease.leave() {
            tracing::warn!(node = %self.lease.node, why, "could not leave; the lease will end");
        }
    }
}

/// The card in `INCARNATION:CARD`: nothing if the node has not announced itself, or if a newer
/// build wrote something that this one cannot read.
fn card_of(value: &[u8]) -> Option<NodeCard> {
    let start = value.iter().position(|byte| *byte == b':')?;
    let card = value.get(start + 1..).filter(|card| !card.is_empty())?;
    match wire::decode(card, CARD_BYTES_MAX) {
        Ok(card) => Some(card),
        Err(error) => {
            tracing::warn!(%error, "a node's card cannot be read, so the node is not seen");
            None
        }
    }
}

fn node_of(text: &str) -> Result<NodeId, String> {
    let node = text.split_once(':').and_then(|(node, incarnation)| {
        Some(NodeId { node: node.parse().ok()?, incarnation: incarnation.parse().ok()? })
    });
    node.ok_or_else(|| format!("{text:?} is not a node"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NodeState;

    #[test]
    fn cards_and_nodes_lead_back_and_nonsense_does_not() {
        let id = NodeId { node: 7, incarnation: 9 };
        let card = NodeCard {
            id,
            state: NodeState::Ready,
            build: "b".into(),
            roles: Vec::new(),
            link: None,
            page: None,
        };
        let value = [b"9:", wire::encode(&card).as_slice()].concat();
        assert_eq!(card_of(&value), Some(card));
        for bad in [&b"9:"[..], b"9", b"9:\xFF\xFF\xFF", b""] {
            assert_eq!(card_of(bad), None);
        }
        assert_eq!(node_of("7:9"), Ok(id));
        assert!(node_of("7").is_err() && node_of("70000:1").is_err());
    }
}
