//! The work of a node MQ with nothing but the Redis client.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _};
use tokio::runtime::Runtime;

use super::PAYLOAD_BYTES;
use super::broker::Raw;
use super::values::{for_each_value, left_after};
use super::waiter::{self, ClientEnd};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::harness;
use crate::threads::{beside, drive, runtime};

const REQUESTS_IN_FLIGHT: usize = 4;
/// Values taken by one blocking pop, and such requests at a time.
const VALUES_POPPED: usize = 16;
const POPS_IN_FLIGHT: usize = 2;
/// Seconds after which the server answers a pop with nothing.
const POP_WAITS_S: usize = 1;

pub(super) struct RawRedis {
    client: Client,
}

impl RawRedis {
    pub(super) fn new(url: &str) -> Result<Self> {
        let info = url.into_connection_info().map_err(BenchError::redis)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Ok(Self { client: Client::open(info).map_err(BenchError::redis)? })
    }

    async fn connect(&self) -> Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        connecting.await.map_err(BenchError::redis)
    }

    /// A runtime with so many connections in it.
    fn connections<const COUNT: usize>(&self) -> Result<(Runtime, [MultiplexedConnection; COUNT])> {
        let runtime = runtime()?;
        let mut made = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            made.push(drive(&runtime, self.connect())?);
        }
        let silent = |_| BenchError::Silent { what: "connections" };
        Ok((runtime, made.try_into().map_err(silent)?))
    }

    /// What a client's thread does.
    fn carry(&self, (from, to): (&str, &str), count: usize, end: ClientEnd) -> Result<()> {
        let ClientEnd { mut outgoing, incoming } = end;
        let (runtime, [popping, pushing]) = self.connections()?;
        ClientEnd::hand_over(&incoming, Vec::new())?;
        let sending = async {
            while let Some(message) = outgoing.recv().await {
                append(pushing.clone(), to, message).await?;
            }
            Ok(())
        };
        let receiving = async {
            for _ in 0..=count {
                ClientEnd::hand_over(&incoming, pop_one(&popping, from).await?)?;
            }
            Ok(())
        };
        drive(&runtime, async { tokio::try_join!(sending, receiving) }).map(drop)
    }
}

impl Raw for RawRedis {
    const ONE_BY_ONE_MESSAGES: usize = 10_000;

    fn one_way(&self, messages: usize) -> Result<f64> {
        let (sending, [pushing]) = self.connections()?;
        let (receiving, [popping]) = self.connections()?;
        let start = clock::now();
        let send = || {
            drive(&sending, async {
                let mut requests = FuturesOrdered::new();
                for_each_value(messages, async |value| {
                    if requests.len() == REQUESTS_IN_FLIGHT {
                        requests.next().await.unwrap_or(Ok(()))?;
                    }
                    requests.push_back(append(pushing.clone(), "one", value));
                    Ok(())
                })
                .await?;
                while let Some(done) = requests.next().await {
                    done?;
                }
                Ok(())
            })
        };
        let receive = || {
            drive(&receiving, async {
                let mut requests = FuturesOrdered::new();
                let mut left = messages;
                while left > 0 {
                    while requests.len() < POPS_IN_FLIGHT {
                        requests.push_back(pop(popping.clone(), "one", VALUES_POPPED));
                    }
                    for value in requests.next().await.unwrap_or_else(|| Ok(Vec::new()))? {
                        left = left_after(&value, left)?;
                    }
                }
                let rate = harness::per_second(messages, start);
                // The other one still waits in vain, which is not measured.
                while let Some(popped) = requests.next().await {
                    popped?;
                }
                Ok(rate)
            })
        };
        Ok(beside(send, receive)?.1)
    }

    fn one_by_one(&self, messages: usize) -> Result<f64> {
        let (sending, [pushing]) = self.connections()?;
        let (receiving, [popping]) = self.connections()?;
        let start = clock::now();
        let send = || {
            drive(&sending, async {
                for _ in 0..messages {
                    append(pushing.clone(), "each", vec![7; PAYLOAD_BYTES]).await?;
                }
                Ok(())
            })
        };
        let receive = || {
            drive(&receiving, async {
                for _ in 0..messages {
                    pop_one(&popping, "each").await?;
                }
                Ok(harness::per_second(messages, start))
            })
        };
        Ok(beside(send, receive)?.1)
    }

    fn round_trips(&self, count: usize) -> Result<[f64; 2]> {
        let (answering, [there, back]) = self.connections()?;
        let (playing, [popping, pushing]) = self.connections()?;
        let answer = || {
            drive(&answering, async {
                for _ in 0..=count {
                    append(back.clone(), "back", pop_one(&there, "there").await?).await?;
                }
                Ok(())
            })
        };
        let play = || {
            drive(&playing, async {
                let mut times = Vec::with_capacity(count + 1);
                for _ in 0..=count {
                    let start = clock::now();
                    let sent = append(pushing.clone(), "there", vec![7; PAYLOAD_BYTES]);
                    tokio::try_join!(sent, pop_one(&popping, "back"))?;
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

async fn append(mut connection: MultiplexedConnection, key: &str, value: Vec<u8>) -> Result<()> {
    let mut command = redis::cmd("RPUSH");
    command.arg(key).arg(value);
    let length: redis::RedisResult<usize> = command.query_async(&mut connection).await;
    length.map(drop).map_err(BenchError::redis)
}

/// Empty if nothing came within a second.
async fn pop(
    mut connection: MultiplexedConnection,
    key: &str,
    count: usize,
) -> Result<Vec<Vec<u8>>> {
    let mut command = redis::cmd("BLMPOP");
    command.arg(POP_WAITS_S).arg(1).arg(key).arg("LEFT").arg("COUNT").arg(count);
    let popped: redis::RedisResult<Option<(String, Vec<Vec<u8>>)>> =
        command.query_async(&mut connection).await;
    Ok(popped.map_err(BenchError::redis)?.map(|(_, values)| values).unwrap_or_default())
}

/// Waits until one is there; the caller bounds the time.
async fn pop_one(connection: &MultiplexedConnection, key: &str) -> Result<Vec<u8>> {
    loop {
        if let Some(value) = pop(connection.clone(), key, 1).await?.pop() {
            return Ok(value);
        }
    }
}
