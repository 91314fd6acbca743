//! Two roles of two nodes with a node MQ between them: what is measured of the product.

use std::any::Any;

use shared::ids::{Address, BattleId, NodeId, Role};
use shared::mq::{Mq, MqEvent, SendError};
use shared::msg::Body;
use shared::msg::battle_gateway::{BattleOutput, Encoded};
use shared::runtime::Doorbell;

use super::PAYLOAD_BYTES;
use crate::clock;
use crate::error::{BenchError, Result};
use crate::harness;
use crate::threads::{PATIENCE, beside};

/// Events that a receiver takes at a time, as a role's tick does.
const POLL_EVENTS: usize = 16_384;

/// One role's end.
pub(super) struct End {
    pub(super) mq: Box<dyn Mq>,
    pub(super) doorbell: Doorbell,
    pub(super) me: Address,
}

/// Two ends, and what has to live as long as they do.
pub(super) struct Pair {
    pub(super) here: End,
    pub(super) there: End,
    pub(super) _nodes: Box<dyn Any>,
}

/// The two addresses of a pair.
pub(super) fn addresses() -> [Address; 2] {
    let address = |node, role| Address { node: NodeId { node, incarnation: 1 }, role };
    [address(1, Role::Battleapp), address(2, Role::Gateway)]
}

/// What is sent.
pub(super) fn message() -> Body {
    let bytes = vec![7; PAYLOAD_BYTES];
    let encoded = vec![Encoded { by_stream: false, sessions: Vec::new(), bytes }];
    Body::BattleOutput(BattleOutput::Snapshots { battle: BattleId(1), encoded })
}

impl Pair {
    /// Messages a second when one thread sends `count` of them and the other takes them.
    pub(super) fn one_way(&mut self, count: usize) -> Result<f64> {
        let Self { here, there, .. } = self;
        let target = there.me;
        // What was not used for a while may have to connect first.
        here.send(target, message())?;
        here.mq.flush();
        there.take(1, |_| ())?;
        let start = clock::now();
        let send = || {
            (0..count).try_for_each(|_| here.send(target, message()))?;
            here.mq.flush();
            Ok(())
        };
        beside(send, || there.take(count, |_| ()))?;
        Ok(harness::per_second(count, start))
    }

    /// Median and 99th percentile of the time there and back, in microseconds.
    pub(super) fn round_trips(&mut self, count: usize) -> Result<[f64; 2]> {
        let Self { here, there, .. } = self;
        let (back, to) = (here.me, there.me);
        let answer = || {
            (0..=count).try_for_each(|_| {
                let mut bodies = Vec::new();
                there.take(1, |body| bodies.push(body))?;
                bodies.into_iter().try_for_each(|body| there.send(back, body))?;
                there.mq.flush();
                Ok(())
            })
        };
        let play = || {
            let mut trip = || {
                here.send(to, message())?;
                here.mq.flush();
                here.take(1, |_| ())
            };
            trip()?;
            harness::time_each(count, trip)
        };
        Ok(beside(answer, play)?.1)
    }
}

impl End {
    fn send(&mut self, to: Address, mut body: Body) -> Result<()> {
        let mut since = None;
        while let Err(SendError::Full(back) | SendError::Gone(back)) = self.mq.send(to, body) {
            if since.get_or_insert_with(clock::now).elapsed() > PATIENCE {
                return Err(BenchError::Silent { what: "room in the node MQ" });
            }
            body = back;
            self.mq.flush();
            clock::wait_for_room();
        }
        Ok(())
    }

    fn take(&mut self, mut count: usize, mut each: impl FnMut(Body)) -> Result<()> {
        let mut events = Vec::new();
        while count > 0 {
            self.mq.poll(POLL_EVENTS, &mut events);
            if events.is_empty() && !self.doorbell.wait(PATIENCE) {
                return Err(BenchError::Silent { what: "a message of the node MQ" });
            }
            for event in events.drain(..) {
                match event {
                    MqEvent::Frame { body, .. } => each(body),
                    MqEvent::Unsent { .. } => {
                        let what = String::from("a frame came back");
                        return Err(BenchError::Product { part: "node MQ", what });
                    }
                }
                count = count.saturating_sub(1);
            }
        }
        Ok(())
    }
}
