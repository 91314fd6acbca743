//! Appends batches to the lists of other nodes, and keeps this node's list.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};

use super::Server;
use crate::mq::remote::hub::Hub;
use crate::mq::remote::peer::Peer;

/// Requests on the way at a time. While they are, what is sent gathers into larger batches.
const REQUESTS_IN_FLIGHT_MAX: usize = 4;
/// A request that is not answered for so long ends the connection. Its batch may be in the list
/// all the same; it is then dropped as a duplicate.
const RESPONSE: Duration = Duration::from_secs(3);
/// Batches in a node's list. From then on a sender appends nothing, but looks at the length every
/// `LIST_FULL_WAIT`, so it never has more than this and one flight of every sender. They say
/// `Full` to their roles as soon as their own windows are full.
const LIST_BATCHES_MAX: usize = 1_024;
const LIST_FULL_WAIT: Duration = Duration::from_millis(20);
/// How long to wait after Redis refused a command, for example because its memory is full.
const REFUSED_WAIT: Duration = Duration::from_millis(200);
/// A list goes so long after its node last said that it is there.
const LIST_EXPIRY: Duration = Duration::from_secs(60);
/// How often a node says so.
const HEARTBEAT: Duration = Duration::from_secs(15);

const _: () = assert!(HEARTBEAT.as_secs() * 3 < LIST_EXPIRY.as_secs());

/// A request that was answered: whose it was, and what became of it.
type Answer = (Option<Arc<Peer>>, RedisResult<Done>);

enum Done {
    /// The list has so many batches now.
    Appended(usize),
    /// It has too many, so nothing was done.
    Crowded,
    /// This node's list was kept.
    Kept,
}

pub(super) async fn connect(server: &Server) -> RedisResult<MultiplexedConnection> {
    server.connect(Some(RESPONSE)).await
}

/// Appends for ever.
pub(super) async fn push(
    hub: &Hub,
    server: &Server,
    key: &str,
    mut connection: MultiplexedConnection,
) {
    loop {
        hub.counters.connections.fetch_add(1, Ordering::Relaxed);
        let error = push_until_broken(hub, key, &connection).await;
        tracing::warn!(%error, "connection to Redis lost");
        connection = server.connect_again(Some(RESPONSE)).await;
        hub.reconnected();
    }
}

/// Sends what is ready, once: a node's last acknowledgements.
pub(super) async fn last_words(hub: &Hub, server: &Server) {
    let Ok(connection) = connect(server).await else { return };
    while let Some((peer, batch)) = hub.next() {
        let (_, answer) = append(connection.clone(), peer, batch).await;
        if answer.is_err() {
            return;
        }
    }
}

async fn push_until_broken(hub: &Hub, key: &str, connection: &MultiplexedConnection) -> RedisError {
    let mut requests = FuturesOrdered::new();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        while requests.len() < REQUESTS_IN_FLIGHT_MAX {
            let Some((peer, batch)) = hub.next() else { break };
            requests.push_back(futures_util::future::Either::Left(append(
                connection.clone(),
                peer,
                batch,
            )));
        }
        tokio::select! {
            Some((peer, answer)) = requests.next() => {
                if let Some(error) = take_answer(hub, peer, answer) {
                    return error;
                }
            }
            () = hub.work() => {}
            _ = heartbeat.tick() => {
                let beat = keep(connection.clone(), String::from(key));
                requests.push_back(futures_util::future::Either::Right(beat));
            }
        }
    }
}

/// Gives back an error that ends the connection.
fn take_answer(
    hub: &Hub,
    peer: Option<Arc<Peer>>,
    answer: RedisResult<Done>,
) -> Option<RedisError> {
    let (wait, refused) = match answer {
        Ok(Done::Kept) => return None,
        Ok(Done::Appended(length)) => {
            let crowded = length >= LIST_BATCHES_MAX;
            if let Some(peer) = &peer {
                peer.crowded.store(crowded, Ordering::Relaxed);
            }
            if !crowded {
                return None;
            }
            (LIST_FULL_WAIT, false)
        }
        Ok(Done::Crowded) => {
            metrics::counter!("cohort_mq_list_full_total").increment(1);
            (LIST_FULL_WAIT, true)
        }
        Err(error) if is_broken(&error) => return Some(error),
        Err(error) => {
            tracing::warn!(%error, "Redis refuses a command");
            (REFUSED_WAIT, true)
        }
    };
    if let Some(peer) = peer {
        hub.hold(&peer, wait, refused);
    }
    None
}

/// The connection, not the command, is at fault.
pub(super) fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
}

/// A list that did not exist gets an expiry at once; only its own node prolongs it.
async fn append(mut connection: MultiplexedConnection, peer: Arc<Peer>, batch: Bytes) -> Answer {
    if peer.crowded.load(Ordering::Relaxed) {
        let mut request = redis::cmd("LLEN");
        match request.arg(&peer.place).query_async::<usize>(&mut connection).await {
            Ok(length) if length >= LIST_BATCHES_MAX => return (Some(peer), Ok(Done::Crowded)),
            Ok(_) => {}
            Err(error) => return (Some(peer), Err(error)),
        }
    }
    let mut request = redis::pipe();
    request.cmd("RPUSH").arg(&peer.place).arg(&batch[..]);
    request.cmd("PEXPIRE").arg(&peer.place).arg(expiry_ms()).arg("NX").ignore();
    let answer = request.query_async::<(usize,)>(&mut connection).await;
    (Some(peer), answer.map(|(length,)| Done::Appended(length)))
}

async fn keep(mut connection: MultiplexedConnection, key: String) -> Answer {
    let request = redis::cmd("PEXPIRE").arg(key).arg(expiry_ms()).to_owned();
    let answer = request.query_async::<usize>(&mut connection).await;
    (None, answer.map(|_| Done::Kept))
}

fn expiry_ms() -> u64 {
    u64::try_from(LIST_EXPIRY.as_millis()).unwrap_or(u64::MAX)
}
