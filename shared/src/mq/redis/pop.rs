//! Takes batches from this node's list.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};

use super::Server;
use super::push::is_broken;
use crate::mq::remote::hub::Hub;

/// Batches taken by one request.
const BATCHES_AT_ONCE: usize = 16;
/// Requests on the way: while the answer of one is read, the next one is with the server.
const REQUESTS: usize = 2;
/// Redis answers after so long even if there is nothing. In seconds, as Redis wants it.
const SERVER_WAIT_S: u64 = 1;
/// If it does not, the connection is dead. Longer than all requests may wait, so that no request
/// is given up on a connection that lives.
const SILENCE_MAX: Duration = Duration::from_secs(6);
/// How long to wait after Redis refused, for example because it still loads its data.
const REFUSED_WAIT: Duration = Duration::from_millis(100);

const _: () = assert!(SERVER_WAIT_S * (REQUESTS as u64) < SILENCE_MAX.as_secs());

/// No response timeout: see the top of `redis.rs`.
pub(super) async fn connect(server: &Server) -> RedisResult<MultiplexedConnection> {
    server.connect(None).await
}

/// Takes for ever.
pub(super) async fn pop(
    hub: &Hub,
    server: &Server,
    key: &str,
    mut connection: MultiplexedConnection,
) {
    loop {
        let error = pop_until_broken(hub, key, &connection).await;
        tracing::warn!(%error, "receiving connection to Redis lost");
        connection = server.connect_again(None).await;
    }
}

async fn pop_until_broken(hub: &Hub, key: &str, connection: &MultiplexedConnection) -> RedisError {
    let mut requests = FuturesOrdered::new();
    loop {
        while requests.len() < REQUESTS {
            requests.push_back(request(connection.clone(), key));
        }
        let answer = match tokio::time::timeout(SILENCE_MAX, requests.next()).await {
            Ok(answer) => answer.unwrap_or(Ok(None)),
            Err(_) => return (redis::ErrorKind::Io, "no answer to a blocking pop").into(),
        };
        match answer {
            Ok(popped) => {
                for batch in popped.into_iter().flat_map(|(_, batches)| batches) {
                    hub.received(Bytes::from(batch));
                    // Acknowledgements leave meanwhile.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) if is_broken(&error) => return error,
            Err(error) => {
                tracing::warn!(%error, "Redis refuses a blocking pop");
                tokio::time::sleep(REFUSED_WAIT).await;
            }
        }
    }
}

type Popped = Option<(String, Vec<Vec<u8>>)>;

async fn request(mut connection: MultiplexedConnection, key: &str) -> RedisResult<Popped> {
    let mut command = redis::cmd("BLMPOP");
    command.arg(SERVER_WAIT_S).arg(1).arg(key).arg("LEFT").arg("COUNT").arg(BATCHES_AT_ONCE);
    command.query_async(&mut connection).await
}
