//! The node MQ over Redis: a list per node incarnation, `<prefix>:mq:<node>#<incarnation>`.
//!
//! A value of the list is a batch of many frames. Senders append with RPUSH on one pipelined
//! connection; a few requests are on the way at a time, and what comes meanwhile gathers into the
//! next batch. The receiver takes several batches at once with BLMPOP on a connection of its own.
//! That connection has no response timeout: a client that gives up waiting leaves a request
//! behind to which Redis then hands the next element. A server that says nothing for too long
//! gets a new connection instead, and a batch that was popped into the dead one is missed by its
//! number and sent again. Redis may therefore lose everything; it needs no persistence for this.
//!
//! A list expires unless its node keeps it: what was sent to a dead node goes by itself. Redis
//! 7.0 or newer is needed.

mod pop;
mod push;

use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};

use super::remote::hub::{Hub, Running};
use super::remote::{RemoteMq, StartError, checked_prefix};
use crate::ids::NodeId;
use crate::rng;

/// A server that does not accept a connection for so long is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// How long to wait before the second attempt to connect. It doubles up to `RETRY_MAX`.
const RETRY: Duration = Duration::from_millis(20);
/// How long to wait between attempts at most, to which up to as much is added by chance.
const RETRY_MAX: Duration = Duration::from_millis(500);
/// Time for the last acknowledgements when the node MQ ends.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Where a node's lists are.
#[derive(Clone)]
pub struct RedisMqConfig {
    /// This node.
    pub me: NodeId,
    /// `redis://[user:password@]host:port[/database]`.
    pub url: String,
    /// First word of all keys; nodes of one cluster have the same. Letters, digits, `-`, `_`.
    pub prefix: String,
}

/// The node MQ over Redis; see [`RemoteMq`] for what it can do.
#[derive(Debug)]
pub struct RedisMq(RemoteMq);

impl RedisMq {
    /// Connects and starts the thread that carries frames.
    ///
    /// # Errors
    /// If the configuration is not valid or the server cannot be used now. Once started, it
    /// connects again by itself as often as it must.
    pub fn start(config: RedisMqConfig) -> Result<Self, StartError> {
        checked_prefix(&config.prefix)?;
        let server = Server::new(&config)?;
        let prefix = config.prefix;
        let place_of = Box::new(move |node| format!("{prefix}:mq:{node}"));
        let key = place_of(config.me);
        let hub = Arc::new(Hub::new(config.me, place_of));
        let (started, outcome) = sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(String::from("mq-redis")).spawn({
            let running = Running(Arc::clone(&hub));
            move || runtime.block_on(run(&running.0, &server, &key, started))
        })?;
        let mq = Self(RemoteMq::new(hub, thread));
        match outcome.recv_timeout(2 * CONNECT) {
            Ok(Ok(())) => Ok(mq),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(StartError::Server(String::from("no answer in time")))
            }
        }
    }
}

impl Deref for RedisMq {
    type Target = RemoteMq;

    fn deref(&self) -> &RemoteMq {
        &self.0
    }
}

impl std::fmt::Debug for RedisMqConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        let Self { me, url: _, prefix } = self;
        f.debug_struct("RedisMqConfig").field("me", me).field("prefix", prefix).finish()
    }
}

/// How to reach Redis.
struct Server {
    client: Client,
    /// Draws the waits between attempts, so that nodes do not come all at once.
    seed: u64,
}

impl Server {
    fn new(config: &RedisMqConfig) -> Result<Self, StartError> {
        let invalid = |error: redis::RedisError| StartError::Address(error.to_string());
        let info = config.url.as_str().into_connection_info().map_err(invalid)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Ok(Self { client: Client::open(info).map_err(invalid)?, seed: config.me.unique(0) })
    }

    /// One attempt. Requests on the connection fail after `response`, if there is one.
    async fn connect(
        &self,
        response: Option<Duration>,
    ) -> Result<MultiplexedConnection, redis::RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(response);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connection) => connection,
            Err(_) => Err((redis::ErrorKind::Io, "no connection in time").into()),
        }
    }

    /// As many attempts as it takes.
    async fn connect_again(&self, response: Option<Duration>) -> MultiplexedConnection {
        let mut wait = RETRY;
        for attempt in 0u64.. {
            match self.connect(response).await {
                Ok(connection) => return connection,
                Err(error) if attempt == 0 => tracing::warn!(%error, "no connection to Redis"),
                Err(error) => tracing::debug!(%error, attempt, "still no connection to Redis"),
            }
            let more =
                rng::below(u64::try_from(wait.as_millis()).unwrap_or(1), self.seed, &[attempt]);
            tokio::time::sleep(wait + Duration::from_millis(more)).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        unreachable!("the attempts have no end")
    }
}

async fn run(hub: &Hub, server: &Server, key: &str, started: SyncSender<Result<(), StartError>>) {
    let opened = push::connect(server).await;
    let (pushing, popping) = match (opened, pop::connect(server).await) {
        (Ok(pushing), Ok(popping)) => (pushing, popping),
        (Err(error), _) | (_, Err(error)) => {
            let _starter_gave_up = started.send(Err(StartError::Server(error.to_string())));
            return;
        }
    };
    let _starter_gave_up = started.send(Ok(()));
    tokio::select! {
        () = push::push(hub, server, key, pushing) => {}
        () = pop::pop(hub, server, key, popping) => {}
        () = hub.keep_house() => {}
        () = hub.stopped() => {}
    }
    hub.acknowledge_all();
    // Whoever is not told learns of the end from the directory.
    let _too_slow = tokio::time::timeout(LAST_WORDS, push::last_words(hub, server)).await;
}
