//! The node MQ over NATS: a subject per node incarnation, `<prefix>.mq.<node>.<incarnation>`.
//!
//! A message is a batch of many frames. NATS delivers at most once: what is published while the
//! receiver is not connected, what overruns a slow consumer, and what is in a buffer when a
//! connection breaks is gone without a word. The window of acknowledgements notices and sends
//! again. A message without a reply subject gets no "no responders" answer, so a node that is not
//! there yet looks like one that is slow; whether it is there says the directory.
//!
//! Messages leave in rounds: publish what is ready, then wait until it is with the operating
//! system. What is sent meanwhile gathers into the next round's batches.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;

use super::remote::hub::{Hub, Running};
use super::remote::{BATCH_BYTES_MAX, RemoteMq, StartError, checked_prefix};
use crate::ids::NodeId;
use crate::rng;

/// A server that does not accept a connection for so long is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// How often the server must show that it is there; after two silent ones the connection is dead.
const PING: Duration = Duration::from_secs(2);
/// How long to wait between attempts to connect at most, to which up to as much is added by
/// chance. It begins with a 32nd of it and doubles.
const RETRY_MAX: Duration = Duration::from_millis(640);
/// Bytes published in one round, then it waits until they are with the operating system.
const ROUND_BYTES: usize = 512 << 10;
/// Messages between this and the client's own task. A further one waits.
const MESSAGES_WAITING_MAX: usize = 32;
/// Time for the last acknowledgements when the node MQ ends.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Where a node's subjects are.
#[derive(Clone)]
pub struct NatsMqConfig {
    /// This node.
    pub me: NodeId,
    /// `nats://[user:password@]host:port`.
    pub url: String,
    /// First word of all subjects; nodes of one cluster have the same. Letters, digits, `-`, `_`.
    pub prefix: String,
    /// Messages that wait to be taken from the client; it drops what is beyond, and they are sent
    /// again. See [`NatsMqConfig::MESSAGES_RECEIVED_MAX`].
    pub messages_received_max: usize,
}

impl NatsMqConfig {
    /// A sensible bound: many senders' first windows at once.
    pub const MESSAGES_RECEIVED_MAX: usize = 1_024;
}

/// The node MQ over NATS; see [`RemoteMq`] for what it can do.
#[derive(Debug)]
pub struct NatsMq(RemoteMq);

impl NatsMq {
    /// Connects and starts the thread that carries frames.
    ///
    /// # Errors
    /// If the configuration is not valid or the server cannot be used now. Once started, it
    /// connects again by itself as often as it must.
    pub fn start(config: NatsMqConfig) -> Result<Self, StartError> {
        checked_prefix(&config.prefix)?;
        let prefix = config.prefix.clone();
        let place_of =
            Box::new(move |node: NodeId| format!("{prefix}.mq.{}.{}", node.node, node.incarnation));
        let subject = place_of(config.me);
        let hub = Arc::new(Hub::new(config.me, place_of));
        let (started, outcome) = sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(String::from("mq-nats")).spawn({
            let running = Running(Arc::clone(&hub));
            move || runtime.block_on(run(&running.0, &config, subject, started))
        })?;
        let mq = Self(RemoteMq::new(hub, thread));
        match outcome.recv_timeout(3 * CONNECT) {
            Ok(Ok(())) => Ok(mq),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(StartError::Server(String::from("no answer in time")))
            }
        }
    }
}

impl Deref for NatsMq {
    type Target = RemoteMq;

    fn deref(&self) -> &RemoteMq {
        &self.0
    }
}

impl std::fmt::Debug for NatsMqConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        let Self { me, url: _, prefix, messages_received_max } = self;
        f.debug_struct("NatsMqConfig")
            .field("me", me)
            .field("prefix", prefix)
            .field("messages_received_max", messages_received_max)
            .finish()
    }
}

async fn run(
    hub: &Arc<Hub>,
    config: &NatsMqConfig,
    subject: String,
    started: SyncSender<Result<(), StartError>>,
) {
    let (client, subscriber) = match connect(hub, config, subject).await {
        Ok(connected) => connected,
        Err(error) => {
            let _starter_gave_up = started.send(Err(error));
            return;
        }
    };
    let _starter_gave_up = started.send(Ok(()));
    tokio::select! {
        () = publish(hub, &client) => {}
        () = take(hub, subscriber) => {}
        () = hub.keep_house() => {}
        () = hub.stopped() => {}
    }
    hub.acknowledge_all();
    // Whoever is not told learns of the end from the directory.
    let _too_slow = tokio::time::timeout(LAST_WORDS, publish_round(hub, &client)).await;
}

async fn connect(
    hub: &Arc<Hub>,
    config: &NatsMqConfig,
    subject: String,
) -> Result<(Client, Subscriber), StartError> {
    let unusable = |error: &dyn std::fmt::Display| StartError::Server(error.to_string());
    let events = Arc::clone(hub);
    let seed = config.me.unique(0);
    let options = ConnectOptions::new()
        .connection_timeout(CONNECT)
        .ping_interval(PING)
        .client_capacity(MESSAGES_WAITING_MAX)
        .subscription_capacity(config.messages_received_max)
        .reconnect_delay_callback(move |attempts| retry_after(attempts, seed))
        .event_callback(move |event| {
            take_event(&events, &event);
            std::future::ready(())
        });
    let address = config.url.parse::<async_nats::ServerAddr>();
    let address = address.map_err(|error| StartError::Address(error.to_string()))?;
    let client = options.connect(address).await.map_err(|error| unusable(&error))?;
    let max = client.max_payload();
    if max < BATCH_BYTES_MAX {
        let reason = format!("max_payload is {max} bytes, at least {BATCH_BYTES_MAX} are needed");
        return Err(StartError::Server(reason));
    }
    let mut subscriber =
        client.subscribe(subject.clone()).await.map_err(|error| unusable(&error))?;
    // The server has the subscription when something comes back through it; a flush would not say.
    client.publish(subject, Bytes::new()).await.map_err(|error| unusable(&error))?;
    match tokio::time::timeout(CONNECT, subscriber.next()).await {
        Ok(Some(_)) => Ok((client, subscriber)),
        Ok(None) | Err(_) => {
            Err(StartError::Server(String::from("the subscription hears nothing")))
        }
    }
}

fn take_event(hub: &Hub, event: &Event) {
    match event {
        Event::Connected => {
            hub.counters.connections.fetch_add(1, Ordering::Relaxed);
            hub.reconnected();
        }
        Event::SlowConsumer(_) => {
            metrics::counter!("cohort_mq_slow_consumer_total").increment(1);
        }
        Event::Disconnected | Event::LameDuckMode | Event::Draining | Event::Closed => {
            tracing::warn!(%event, "connection to NATS");
        }
        Event::ServerError(_) | Event::ClientError(_) => {
            tracing::warn!(%event, "NATS reports an error");
        }
    }
}

fn retry_after(attempts: usize, seed: u64) -> Duration {
    let doublings = u32::try_from(attempts.min(5)).unwrap_or(5);
    let wait_ms = u64::try_from(RETRY_MAX.as_millis()).unwrap_or(1) >> (5 - doublings);
    let more_ms = rng::below(wait_ms, seed, &[u64::try_from(attempts).unwrap_or(0)]);
    Duration::from_millis(wait_ms + more_ms)
}

async fn publish(hub: &Hub, client: &Client) {
    while publish_round(hub, client).await {
        hub.work().await;
    }
}

/// Publishes until nothing is ready. False if the client has ended.
async fn publish_round(hub: &Hub, client: &Client) -> bool {
    loop {
        let mut bytes = 0;
        while bytes < ROUND_BYTES
            && let Some((peer, batch)) = hub.next()
        {
            bytes += batch.len();
            if let Err(error) = client.publish(peer.place.clone(), batch).await {
                tracing::error!(%error, "NATS client ended");
                return false;
            }
        }
        if bytes == 0 {
            return true;
        }
        if let Err(error) = client.flush().await {
            tracing::error!(%error, "NATS client ended");
            return false;
        }
    }
}

async fn take(hub: &Hub, mut subscriber: Subscriber) {
    while let Some(message) = subscriber.next().await {
        hub.received(message.payload);
        // Acknowledgements leave meanwhile.
        tokio::task::yield_now().await;
    }
}
