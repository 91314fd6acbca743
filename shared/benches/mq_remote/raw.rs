//! The same work with nothing but the client packages, batched alike.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::{PAYLOAD_BYTES, Raw};

/// Bytes of a value.
const VALUE_BYTES: usize = 64 << 10;
const MESSAGES_PER_VALUE: usize = VALUE_BYTES / PAYLOAD_BYTES;
const REQUESTS_IN_FLIGHT: usize = 4;
/// Values taken by one blocking pop, and such requests at a time.
const VALUES_POPPED: usize = 16;
const POPS_IN_FLIGHT: usize = 2;
/// Bytes published before a flush.
const ROUND_BYTES: usize = 512 << 10;

pub(crate) struct RawRedis {
    client: Client,
}

impl RawRedis {
    pub(crate) fn new(url: &str) -> Self {
        let info = url.into_connection_info().expect("an address");
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Self { client: Client::open(info).expect("an address") }
    }

    async fn connect(&self) -> MultiplexedConnection {
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        connecting.await.expect("it runs")
    }
}

impl Raw for RawRedis {
    fn one_way(&self, messages: usize) {
        thread::scope(|scope| {
            scope.spawn(|| {
                runtime().block_on(async {
                    let connection = self.connect().await;
                    let mut requests = FuturesOrdered::new();
                    for_each_value(messages, async |value| {
                        if requests.len() == REQUESTS_IN_FLIGHT {
                            let _: Option<()> = requests.next().await;
                        }
                        requests.push_back(append(connection.clone(), "one", value));
                    })
                    .await;
                    while requests.next().await.is_some() {}
                });
            });
            runtime().block_on(async {
                let connection = self.connect().await;
                let mut requests = FuturesOrdered::new();
                let mut left = messages;
                while left > 0 {
                    while requests.len() < POPS_IN_FLIGHT {
                        requests.push_back(pop(connection.clone(), "one", VALUES_POPPED));
                    }
                    for value in requests.next().await.unwrap_or_default() {
                        left -= walk(&value);
                    }
                }
                // The other one still waits in vain.
                while requests.next().await.is_some() {}
            });
        });
    }

    fn round_trips(&self, count: usize, each: &mut dyn FnMut()) {
        thread::scope(|scope| {
            scope.spawn(|| {
                runtime().block_on(async {
                    let (popping, pushing) = (self.connect().await, self.connect().await);
                    for _ in 0..count {
                        let mut values = pop(popping.clone(), "there", 1).await;
                        let value = values.pop().expect("one came");
                        append(pushing.clone(), "back", value).await;
                    }
                });
            });
            runtime().block_on(async {
                let (popping, pushing) = (self.connect().await, self.connect().await);
                for _ in 0..count {
                    let (_, values) = tokio::join!(
                        append(pushing.clone(), "there", vec![7; PAYLOAD_BYTES]),
                        pop(popping.clone(), "back", 1),
                    );
                    assert_eq!(values.len(), 1);
                    each();
                }
            });
        });
    }

    fn round_trips_from_threads(&self, count: usize, each: &mut dyn FnMut()) {
        let (one, one_client) = ends();
        let (two, two_client) = ends();
        thread::scope(|scope| {
            scope.spawn(|| self.carry(("back", "there"), count, one_client));
            scope.spawn(|| self.carry(("there", "back"), count, two_client));
            play(scope, one, two, count, each);
        });
    }
}

impl RawRedis {
    /// What a client's thread does.
    fn carry(&self, (from, to): (&str, &str), count: usize, end: ClientEnd) {
        let ClientEnd { mut outgoing, incoming } = end;
        runtime().block_on(async {
            let (popping, pushing) = (self.connect().await, self.connect().await);
            let sending = async {
                while let Some(message) = outgoing.recv().await {
                    append(pushing.clone(), to, message).await;
                }
            };
            let receiving = async {
                for _ in 0..count {
                    let value = pop(popping.clone(), from, 1).await.pop().expect("one came");
                    incoming.send(value).expect("somebody waits");
                }
            };
            tokio::join!(sending, receiving);
        });
    }
}

async fn append(mut connection: MultiplexedConnection, key: &str, value: Vec<u8>) {
    let mut command = redis::cmd("RPUSH");
    let _: usize = command.arg(key).arg(value).query_async(&mut connection).await.expect("pushes");
}

async fn pop(mut connection: MultiplexedConnection, key: &str, count: usize) -> Vec<Vec<u8>> {
    let mut command = redis::cmd("BLMPOP");
    command.arg(1).arg(1).arg(key).arg("LEFT").arg("COUNT").arg(count);
    let popped: Option<(String, Vec<Vec<u8>>)> =
        command.query_async(&mut connection).await.expect("pops");
    popped.map(|(_, values)| values).unwrap_or_default()
}

pub(crate) struct RawNats {
    url: String,
}

impl RawNats {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: String::from(url) }
    }

    async fn connect(&self) -> async_nats::Client {
        let options = async_nats::ConnectOptions::new().client_capacity(32);
        options.connect(&self.url).await.expect("it runs")
    }

    /// A client, and a subscription that is known to the server.
    async fn subscribe(
        &self,
        subject: &'static str,
    ) -> (async_nats::Client, async_nats::Subscriber) {
        let client = self.connect().await;
        let mut subscriber = client.subscribe(subject).await.expect("it takes it");
        client.publish(subject, Bytes::new()).await.expect("it goes");
        subscriber.next().await.expect("it comes back");
        (client, subscriber)
    }
}

impl Raw for RawNats {
    fn one_way(&self, messages: usize) {
        let receiving = runtime();
        let (_client, mut subscriber) = receiving.block_on(self.subscribe("one"));
        thread::scope(|scope| {
            scope.spawn(|| {
                runtime().block_on(async {
                    let client = self.connect().await;
                    let mut bytes = 0;
                    for_each_value(messages, async |value: Vec<u8>| {
                        bytes += value.len();
                        client.publish("one", value.into()).await.expect("it goes");
                        if bytes >= ROUND_BYTES {
                            client.flush().await.expect("it goes");
                            bytes = 0;
                        }
                    })
                    .await;
                    client.flush().await.expect("it goes");
                });
            });
            receiving.block_on(async {
                let mut left = messages;
                while left > 0 {
                    let message = tokio::time::timeout(Duration::from_secs(10), subscriber.next());
                    let message = message.await.expect("nothing was dropped").expect("it runs");
                    left -= walk(&message.payload);
                }
            });
        });
    }

    fn round_trips(&self, count: usize, each: &mut dyn FnMut()) {
        let echoing = runtime();
        let (echo, mut there) = echoing.block_on(self.subscribe("there"));
        thread::scope(|scope| {
            scope.spawn(|| {
                echoing.block_on(async {
                    for _ in 0..count {
                        let message = there.next().await.expect("it runs");
                        echo.publish("back", message.payload).await.expect("it goes");
                    }
                    echo.flush().await.expect("it goes");
                });
            });
            runtime().block_on(async {
                let (client, mut back) = self.subscribe("back").await;
                for _ in 0..count {
                    let message = Bytes::from(vec![7; PAYLOAD_BYTES]);
                    client.publish("there", message).await.expect("it goes");
                    back.next().await.expect("it runs");
                    each();
                }
            });
        });
    }

    fn round_trips_from_threads(&self, count: usize, each: &mut dyn FnMut()) {
        let (one, one_client) = ends();
        let (two, two_client) = ends();
        thread::scope(|scope| {
            scope.spawn(|| self.carry(("back", "there"), count, one_client));
            scope.spawn(|| self.carry(("there", "back"), count, two_client));
            for end in [&one, &two] {
                assert!(end.incoming.recv().expect("it is ready").is_empty());
            }
            play(scope, one, two, count, each);
        });
    }
}

impl RawNats {
    /// What a client's thread does.
    fn carry(&self, (from, to): (&'static str, &'static str), count: usize, end: ClientEnd) {
        let ClientEnd { mut outgoing, incoming } = end;
        runtime().block_on(async {
            let (client, mut subscriber) = self.subscribe(from).await;
            incoming.send(Vec::new()).expect("somebody waits until it is ready");
            let sending = async {
                while let Some(message) = outgoing.recv().await {
                    client.publish(to, message.into()).await.expect("it goes");
                }
                client.flush().await.expect("it goes");
            };
            let receiving = async {
                for _ in 0..count {
                    let message = subscriber.next().await.expect("it runs");
                    incoming.send(message.payload.to_vec()).expect("somebody waits");
                }
            };
            tokio::join!(sending, receiving);
        });
    }
}

/// A thread's side of a client in another thread, and that client's side.
struct RoleEnd {
    outgoing: mpsc::Sender<Vec<u8>>,
    incoming: Receiver<Vec<u8>>,
}

struct ClientEnd {
    outgoing: mpsc::Receiver<Vec<u8>>,
    incoming: SyncSender<Vec<u8>>,
}

fn ends() -> (RoleEnd, ClientEnd) {
    let (to_client, outgoing) = mpsc::channel(16);
    let (to_role, incoming) = sync_channel(16);
    let role = RoleEnd { outgoing: to_client, incoming };
    (role, ClientEnd { outgoing, incoming: to_role })
}

/// One thread sends and waits, the other answers.
fn play<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    one: RoleEnd,
    two: RoleEnd,
    count: usize,
    each: &mut dyn FnMut(),
) {
    scope.spawn(move || {
        for _ in 0..count {
            let message = two.incoming.recv().expect("it runs");
            two.outgoing.blocking_send(message).expect("it runs");
        }
    });
    for _ in 0..count {
        one.outgoing.blocking_send(vec![7; PAYLOAD_BYTES]).expect("it runs");
        let answer = one.incoming.recv().expect("it runs");
        assert_eq!(answer.len(), PAYLOAD_BYTES);
        each();
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Writes messages one by one into values and hands the full ones over.
async fn for_each_value(messages: usize, mut hand_over: impl AsyncFnMut(Vec<u8>)) {
    let payload = std::hint::black_box([7; PAYLOAD_BYTES]);
    let mut value = Vec::with_capacity(VALUE_BYTES);
    for n in 1..=messages {
        value.extend_from_slice(&payload);
        if value.len() == MESSAGES_PER_VALUE * PAYLOAD_BYTES || n == messages {
            hand_over(std::mem::replace(&mut value, Vec::with_capacity(VALUE_BYTES))).await;
        }
    }
}

/// Looks at every message of a value and says how many there are.
fn walk(value: &[u8]) -> usize {
    let messages = value.chunks_exact(PAYLOAD_BYTES);
    messages.filter(|message| std::hint::black_box(message)[0] == 7).count()
}
