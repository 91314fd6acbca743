//! Three Redis servers that are a Redis Cluster.

use std::path::Path;
use std::time::Duration;

use redis::{Connection, FromRedisValue};

use super::{AppendOnly, Server, free_port};
use crate::clock;
use crate::error::{BenchError, Result};

/// Slots of the servers.
const RANGES: [[u16; 2]; 3] = [[0, 5_460], [5_461, 10_922], [10_923, 16_383]];
/// Between two looks at servers that get to know each other, and how many there are at most.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 1_500;

/// Three primaries without replicas, with all slots.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<Server>,
}

impl RedisCluster {
    /// Starts the servers and waits until they are a cluster.
    ///
    /// # Errors
    /// [`BenchError`] if Redis is not installed, does not start or does not become a cluster.
    pub fn start(dir: &Path, keeps: AppendOnly) -> Result<Self> {
        let mut servers = Vec::with_capacity(RANGES.len());
        for (number, [first, last]) in (1u32..).zip(RANGES) {
            let (server, bus) = member(dir, keeps)?;
            ask::<()>(&server, &["CLUSTER", "SET-CONFIG-EPOCH", &number.to_string()])?;
            let (first, last) = (first.to_string(), last.to_string());
            ask::<()>(&server, &["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            if let Some(known) = servers.first() {
                let (port, bus) = (server.port().to_string(), bus.to_string());
                ask::<()>(known, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
            }
            servers.push(server);
        }
        let cluster = Self { servers };
        cluster.wait_until_up()?;
        Ok(cluster)
    }

    /// Where the servers listen.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    fn wait_until_up(&self) -> Result<()> {
        let all = format!("cluster_known_nodes:{}", RANGES.len());
        let wanted = ["cluster_state:ok", &all, "cluster_slots_ok:16384"];
        for server in &self.servers {
            let mut looks = 0;
            loop {
                let info: String = ask(server, &["CLUSTER", "INFO"])?;
                if wanted.iter().all(|line| info.contains(line)) {
                    break;
                }
                looks += 1;
                if looks == LOOKS_MAX {
                    return Err(BenchError::Silent { what: "the Redis Cluster to be up" });
                }
                clock::pause(LOOK_AGAIN);
            }
        }
        Ok(())
    }
}

/// A server that may become one of a cluster, and the port for the others.
fn member(dir: &Path, keeps: AppendOnly) -> Result<(Server, u16)> {
    let bus = free_port()?;
    let server = Server::redis_with(dir, |_| {
        let own = ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()];
        own.iter().chain(keeps.settings()).map(ToString::to_string).collect()
    })?;
    Ok((server, bus))
}

fn ask<T: FromRedisValue>(server: &Server, words: &[&str]) -> Result<T> {
    let client = redis::Client::open(server.url()).map_err(BenchError::redis)?;
    let mut connection: Connection = client.get_connection().map_err(BenchError::redis)?;
    let mut command = redis::Cmd::new();
    command.arg(words);
    command.query(&mut connection).map_err(BenchError::redis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_servers_become_a_cluster_with_all_slots() {
        let dir = tempfile::TempDir::new().unwrap();
        let cluster = RedisCluster::start(dir.path(), AppendOnly::Off).unwrap();
        assert_eq!(cluster.urls().len(), 3);
        let info: String = ask(&cluster.servers[2], &["CLUSTER", "INFO"]).unwrap();
        assert!(info.contains("cluster_size:3"), "{info}");
    }
}
