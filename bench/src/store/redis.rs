//! The bare Redis client with a script that writes a part if epoch and version are the expected
//! ones: the least that keeps two owners of a record from overwriting each other.

use std::time::Instant;

use redis::{Client, Cmd, Connection, IntoConnectionInfo as _, Value};

use super::product::id;
use super::{PART_BYTES, SEAL_BYTES, Subject, WAITING};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::threads::PATIENCE;

const SCRIPT: &str = "
    local found = redis.call('HMGET', KEYS[1], 'epoch', 'version')
    if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then return 'F' end
    redis.call('HSET', KEYS[1], 'version', ARGV[3], 'part', ARGV[4])
    return 'D'";
/// Records of so many hash tags are spread over the servers, as those of the store are.
const BUCKETS: u64 = 1_024;
/// Keys that are made or first written together.
const SET_UP_KEYS: usize = 1_000;

/// A connection to each server.
pub(super) struct Raw {
    servers: Vec<Connection>,
    digest: String,
    /// By bucket, which server has it.
    places: Vec<usize>,
    /// By player.
    versions: Vec<u64>,
    /// Players that wait until there are enough for a pipeline, and since when.
    waiting: Vec<(usize, Instant)>,
}

impl Raw {
    /// Connects to one server, or to all of a cluster of three.
    pub(super) fn connect(urls: &[String], players: usize) -> Result<Self> {
        let servers = urls.iter().map(|url| connection(url)).collect::<Result<Vec<_>>>()?;
        let (versions, waiting) = (vec![0; players], Vec::new());
        let (digest, places) = (String::new(), Vec::new());
        let mut raw = Self { servers, digest, places, versions, waiting };
        for server in &mut raw.servers {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(SCRIPT);
            raw.digest = load.query(server).map_err(BenchError::redis)?;
        }
        raw.find_places()?;
        let all: Vec<_> = (0..players).collect();
        for some in all.chunks(SET_UP_KEYS) {
            raw.ask(some, |_, player, command| {
                command.arg("HSET").arg(name(player)).arg(&["epoch", "1", "version", "0"]);
            })?;
            raw.write(some)?;
        }
        Ok(raw)
    }

    /// Servers of a cluster have even shares of the slots, in order.
    fn find_places(&mut self) -> Result<()> {
        let count = self.servers.len();
        if count == 1 {
            self.places = vec![0; usize::try_from(BUCKETS).unwrap_or_default()];
            return Ok(());
        }
        for bucket in 0..BUCKETS {
            let mut command = redis::cmd("CLUSTER");
            command.arg("KEYSLOT").arg(tag(bucket));
            let slot: usize = command.query(&mut self.servers[0]).map_err(BenchError::redis)?;
            self.places.push(slot * count / 16_384);
        }
        Ok(())
    }

    fn place(&self, player: usize) -> usize {
        usize::try_from(id(player) % BUCKETS).map_or(0, |bucket| self.places[bucket])
    }

    /// One command for each player: a pipeline to every server, then all answers.
    fn ask(
        &mut self,
        players: &[usize],
        mut write: impl FnMut(&mut Self, usize, &mut Cmd),
    ) -> Result<Vec<Value>> {
        let mut pipelines = vec![Vec::new(); self.servers.len()];
        let mut counts = vec![0; self.servers.len()];
        for player in players {
            let mut command = Cmd::new();
            write(self, *player, &mut command);
            let place = self.place(*player);
            command.write_packed_command(&mut pipelines[place]);
            counts[place] += 1;
        }
        for (server, pipeline) in self.servers.iter_mut().zip(&pipelines) {
            if !pipeline.is_empty() {
                server.send_packed_command(pipeline).map_err(BenchError::redis)?;
            }
        }
        let mut answers = Vec::with_capacity(players.len());
        for (server, count) in self.servers.iter_mut().zip(counts) {
            for _ in 0..count {
                answers.push(server.recv_response().map_err(BenchError::redis)?);
            }
        }
        Ok(answers)
    }
}

impl Subject for Raw {
    fn write(&mut self, players: &[usize]) -> Result<()> {
        let part = [7u8; PART_BYTES + SEAL_BYTES];
        let answers = self.ask(players, |raw, player, command| {
            let version = raw.versions[player];
            raw.versions[player] += 1;
            command.arg("EVALSHA").arg(&raw.digest).arg(1).arg(name(player));
            command.arg(1).arg(version).arg(version + 1).arg(&part[..]);
        })?;
        let done = Value::BulkString(b"D".to_vec());
        match answers.into_iter().find(|answer| *answer != done) {
            None => Ok(()),
            Some(other) => Err(BenchError::client("Redis", &format!("{other:?}"))),
        }
    }

    fn write_waiting(&mut self, player: usize, times: &mut Vec<f64>) -> Result<()> {
        if self.waiting.len() == WAITING {
            self.settle(times)?;
        }
        self.waiting.push((player, clock::now()));
        Ok(())
    }

    fn settle(&mut self, times: &mut Vec<f64>) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let players: Vec<_> = waiting.iter().map(|(player, _)| *player).collect();
        self.write(&players)?;
        times.extend(waiting.into_iter().map(|(_, since)| clock::micros_since(since)));
        Ok(())
    }

    fn read(&mut self, players: &[usize]) -> Result<()> {
        let answers = self.ask(players, |_, player, command| {
            command.arg("HMGET").arg(name(player)).arg("epoch").arg("version");
        })?;
        std::hint::black_box(answers);
        Ok(())
    }
}

fn connection(url: &str) -> Result<Connection> {
    let info = url.into_connection_info().map_err(BenchError::redis)?;
    // Without it the client waits for the server before it sends the rest of a pipeline.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    let client = Client::open(info.set_tcp_settings(tcp)).map_err(BenchError::redis)?;
    let connection = client.get_connection().map_err(BenchError::redis)?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(BenchError::redis)?;
    connection.set_write_timeout(Some(PATIENCE)).map_err(BenchError::redis)?;
    Ok(connection)
}

fn tag(bucket: u64) -> String {
    format!("{{raw:{bucket:03x}}}")
}

fn name(player: usize) -> String {
    format!("{}:player:{:016x}", tag(id(player) % BUCKETS), id(player))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::{AppendOnly, RedisCluster, Server};

    fn check(urls: &[String]) {
        let mut raw = Raw::connect(urls, 200).unwrap();
        raw.write(&[7, 8]).unwrap();
        let mut command = redis::cmd("HSTRLEN");
        command.arg(name(7)).arg("part");
        let place = raw.place(7);
        let bytes: usize = command.query(&mut raw.servers[place]).unwrap();
        assert_eq!(bytes, PART_BYTES + SEAL_BYTES, "as many as the product writes");
        raw.versions[7] = 0;
        assert!(raw.write(&[7]).is_err(), "an old version is refused");
    }

    #[test]
    fn a_raw_record_has_the_bytes_of_a_part_and_is_written_by_its_owner_only() {
        let dir = tempfile::TempDir::new().unwrap();
        let server = Server::redis(dir.path(), AppendOnly::Off).unwrap();
        check(&[server.url()]);
        drop(server);
        check(&RedisCluster::start(dir.path(), AppendOnly::Off).unwrap().urls());
    }
}
