//! The work of a node MQ with nothing but the NATS client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;

use super::PAYLOAD_BYTES;
use super::broker::Raw;
use super::values::{for_each_value, left_after};
use super::waiter::{self, ClientEnd};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::harness;
use crate::threads::{beside, drive, runtime};

/// Bytes published before a flush.
const ROUND_BYTES: usize = 512 << 10;
/// Messages on the way: fewer than the server keeps for a subscriber that is slow, and
/// than the client keeps for us, so that none is dropped.
const MESSAGES_UNDER_WAY_MAX: usize = 200_000;
/// What a sender waits that finds no room; less than what is under way lasts.
const ROOM_PAUSE: Duration = Duration::from_millis(1);

pub(super) struct RawNats {
    url: String,
}

impl RawNats {
    pub(super) fn new(url: &str) -> Self {
        Self { url: String::from(url) }
    }

    /// A client in a runtime of its own.
    fn connect(&self) -> Result<(Runtime, Client)> {
        let runtime = runtime()?;
        let client = drive(&runtime, async {
            let options = ConnectOptions::new().subscription_capacity(2 * MESSAGES_UNDER_WAY_MAX);
            options.connect(&self.url).await.map_err(BenchError::nats)
        })?;
        Ok((runtime, client))
    }

    /// The same with a subscription that is known to the server.
    fn subscribe(&self, subject: &'static str) -> Result<(Runtime, Client, Subscriber)> {
        let (runtime, client) = self.connect()?;
        let subscriber = drive(&runtime, async {
            let mut subscriber = client.subscribe(subject).await.map_err(BenchError::nats)?;
            publish(&client, subject, Bytes::new()).await?;
            next(&mut subscriber).await?;
            Ok(subscriber)
        })?;
        Ok((runtime, client, subscriber))
    }

    /// Messages a second of one publisher and one subscriber, each message published by itself:
    /// what NATS is measured by, and its naive use.
    pub(super) fn publish_each(&self, messages: usize) -> Result<f64> {
        let (receiving, _client, mut subscriber) = self.subscribe("each")?;
        let (sending, client) = self.connect()?;
        let received = AtomicUsize::new(0);
        let start = clock::now();
        let send = || {
            drive(&sending, async {
                let payload = Bytes::from(vec![7; PAYLOAD_BYTES]);
                for sent in 0..messages {
                    wait_for_room(sent, &received).await;
                    publish(&client, "each", payload.clone()).await?;
                }
                client.flush().await.map_err(BenchError::nats)
            })
        };
        let receive = || {
            drive(&receiving, async {
                for _ in 0..messages {
                    next(&mut subscriber).await?;
                    received.fetch_add(1, Ordering::Relaxed);
                }
                Ok(harness::per_second(messages, start))
            })
        };
        Ok(beside(send, receive)?.1)
    }

    /// What a client's thread does.
    fn carry(
        &self,
        (from, to): (&'static str, &'static str),
        count: usize,
        end: ClientEnd,
    ) -> Result<()> {
        let ClientEnd { mut outgoing, incoming } = end;
        let (runtime, client, mut subscriber) = self.subscribe(from)?;
        ClientEnd::hand_over(&incoming, Vec::new())?;
        let sending = async {
            while let Some(message) = outgoing.recv().await {
                publish(&client, to, message.into()).await?;
            }
            client.flush().await.map_err(BenchError::nats)
        };
        let receiving = async {
            for _ in 0..=count {
                let message = next(&mut subscriber).await?;
                ClientEnd::hand_over(&incoming, message.to_vec())?;
            }
            Ok(())
        };
        drive(&runtime, async { tokio::try_join!(sending, receiving) }).map(drop)
    }
}

impl Raw for RawNats {
    const ONE_BY_ONE_MESSAGES: usize = 500_000;

    fn one_way(&self, messages: usize) -> Result<f64> {
        let (receiving, _client, mut subscriber) = self.subscribe("one")?;
        let (sending, client) = self.connect()?;
        let received = AtomicUsize::new(0);
        let start = clock::now();
        let send = || {
            drive(&sending, async {
                let (mut sent, mut bytes) = (0, 0);
                for_each_value(messages, async |value: Vec<u8>| {
                    sent += value.len() / PAYLOAD_BYTES;
                    bytes += value.len();
                    wait_for_room(sent, &received).await;
                    publish(&client, "one", value.into()).await?;
                    if bytes >= ROUND_BYTES {
                        client.flush().await.map_err(BenchError::nats)?;
                        bytes = 0;
                    }
                    Ok(())
                })
                .await?;
                client.flush().await.map_err(BenchError::nats)
            })
        };
        let receive = || {
            drive(&receiving, async {
                let mut left = messages;
                while left > 0 {
                    left = left_after(&next(&mut subscriber).await?, left)?;
                    received.store(messages - left, Ordering::Relaxed);
                }
                Ok(harness::per_second(messages, start))
            })
        };
        Ok(beside(send, receive)?.1)
    }

    fn one_by_one(&self, messages: usize) -> Result<f64> {
        self.publish_each(messages)
    }

    fn round_trips(&self, count: usize) -> Result<[f64; 2]> {
        let (answering, echo, mut there) = self.subscribe("there")?;
        let (playing, client, mut back) = self.subscribe("back")?;
        let answer = || {
            drive(&answering, async {
                for _ in 0..=count {
                    publish(&echo, "back", next(&mut there).await?).await?;
                }
                echo.flush().await.map_err(BenchError::nats)
            })
        };
        let play = || {
            drive(&playing, async {
                let mut times = Vec::with_capacity(count + 1);
                for _ in 0..=count {
                    let start = clock::now();
                    publish(&client, "there", vec![7; PAYLOAD_BYTES].into()).await?;
                    next(&mut back).await?;
                    times.push(clock::micros_since(start));
                }
                Ok(harness::percentiles(&mut times[1..]))
            })
        };
        Ok(beside(answer, play)?.1)
    }

    fn round_trips_from_threads(&self, count: usize) -> Result<[f64; 2]> {
        let here = |end| self.carry(("back", "there"), count, end);
        let there = |end| self.carry(("there", "back"), count, end);
        waiter::round_trips(count, [&here, &there])
    }
}

/// Until fewer than [`MESSAGES_UNDER_WAY_MAX`] of those sent were not received.
async fn wait_for_room(sent: usize, received: &AtomicUsize) {
    while sent >= received.load(Ordering::Relaxed) + MESSAGES_UNDER_WAY_MAX {
        tokio::time::sleep(ROOM_PAUSE).await;
    }
}

async fn publish(client: &Client, subject: &'static str, payload: Bytes) -> Result<()> {
    client.publish(subject, payload).await.map_err(BenchError::nats)
}

async fn next(subscriber: &mut Subscriber) -> Result<Bytes> {
    let silent = BenchError::Silent { what: "the NATS server" };
    subscriber.next().await.map(|message| message.payload).ok_or(silent)
}
