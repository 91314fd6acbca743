//! A Redis server of our own: found on this machine, started with its data beside ours, started
//! again when it dies. One that a former run left behind is taken over.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout_at};

use super::Stop;
use super::child::{Ended, asked};
use super::plan::Stage;
use crate::failure::Failure;

/// How long the server may take until it answers, its file loaded.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How often it is asked meanwhile.
const ASK: Duration = Duration::from_millis(20);
/// Before it is started again.
const PAUSE: Duration = Duration::from_millis(200);
/// How many ports are tried: between our look and the server's bind another may take one.
const PORTS_TRIED: usize = 10;
/// How long it may take to end.
const END_LIMIT: Duration = Duration::from_secs(10);

/// A server on a loopback port.
#[derive(Clone, Debug)]
pub(super) struct RedisServer {
    dir: PathBuf,
    port: u16,
}

impl RedisServer {
    /// Starts `redis-server` with its data in `data/redis`, or takes over the one that runs there.
    pub(super) async fn start(data: &Path) -> Result<Self, Failure> {
        let dir = data.join("redis");
        let unusable = |error: std::io::Error| Failure::DataDir {
            dir: data.to_owned(),
            what: error.to_string(),
        };
        tokio::fs::create_dir_all(&dir).await.map_err(unusable)?;
        let dir = tokio::fs::canonicalize(&dir).await.map_err(unusable)?;
        let noted = tokio::fs::read_to_string(dir.join("port")).await.unwrap_or_default();
        if let Ok(port) = noted.trim().parse() {
            let server = Self { dir: dir.clone(), port };
            if server.is_ours().await {
                tracing::info!(port, "took over the Redis of a former run");
                return Ok(server);
            }
        }
        for _ in 0..PORTS_TRIED {
            let port = free_port().map_err(unusable)?;
            // Noted first: a server must never run on this data unknown to the next start.
            tokio::fs::write(dir.join("port"), format!("{port}\n")).await.map_err(unusable)?;
            let server = Self { dir: dir.clone(), port };
            let mut child = server.spawn().map_err(|error| Failure::Servers {
                what: format!(
                    "redis-server cannot be started: {error}\n  or name one with --redis"
                ),
            })?;
            tokio::select! {
                ready = server.await_ready() => ready?,
                // Another has taken the port meanwhile, or the server says in its log why it ends.
                _ended = child.wait() => continue,
            }
            server.note_pid(&child).await;
            // The watch below finds it by its port, so that it does not matter who started it.
            drop(child);
            return Ok(server);
        }
        Err(Failure::Servers {
            what: format!(
                "redis-server ends as soon as it is started; see {}",
                dir.join("redis.log").display()
            ),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts the server again whenever it is gone, until all others have ended.
    pub(super) fn keep(&self, tasks: &mut JoinSet<Ended>, mut stop: Stop) {
        let server = self.clone();
        tasks.spawn(async move {
            let mut look = interval(PAUSE);
            loop {
                tokio::select! {
                    () = asked(&mut stop, Stage::Bases) => return Ended::Asked,
                    _ = look.tick() => {}
                }
                // A server that is paused or busy still has its port.
                if TcpListener::bind((Ipv4Addr::LOCALHOST, server.port)).is_err() {
                    continue;
                }
                tracing::warn!(port = server.port, "Redis is gone and is started again");
                match server.spawn() {
                    Ok(child) => server.note_pid(&child).await,
                    Err(error) => {
                        return Ended::GivenUp(format!("redis-server cannot be started: {error}"));
                    }
                }
                if let Err(failure) = server.await_ready().await {
                    return Ended::GivenUp(failure.to_string());
                }
            }
        });
    }

    /// Has the server write everything and end.
    pub(super) async fn stop(self) {
        if let Ok(mut connection) = self.connect().await {
            // It closes the connection instead of an answer.
            let _closed: Result<(), _> =
                redis::cmd("SHUTDOWN").arg("NOSAVE").query_async(&mut connection).await;
        }
        let limit = Instant::now() + END_LIMIT;
        while Instant::now() < limit && self.connect().await.is_ok() {
            sleep(ASK).await;
        }
        let _not_there = tokio::fs::remove_file(self.dir.join("port")).await;
        let _not_there = tokio::fs::remove_file(self.dir.join("pid")).await;
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("redis.log"))?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(&self.dir);
        // Nothing that was acknowledged may be lost by the death of the process or the machine.
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    async fn note_pid(&self, child: &Child) {
        if let Some(pid) = child.id() {
            let _for_people_only = tokio::fs::write(self.dir.join("pid"), format!("{pid}\n")).await;
        }
    }

    async fn await_ready(&self) -> Result<(), Failure> {
        let limit = Instant::now() + READY_LIMIT;
        let answered = async {
            while !(self.answers().await && self.is_ours().await) {
                sleep(ASK).await;
            }
        };
        timeout_at(limit, answered).await.map_err(|_| Failure::Servers {
            what: format!(
                "redis-server does not answer at port {}; see {}",
                self.port,
                self.dir.join("redis.log").display()
            ),
        })
    }

    async fn answers(&self) -> bool {
        let Ok(mut connection) = self.connect().await else { return false };
        redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
    }

    /// Whether the server at the port has its data in our directory.
    async fn is_ours(&self) -> bool {
        let Ok(mut connection) = self.connect().await else { return false };
        let dir = redis::cmd("CONFIG").arg("GET").arg("dir").query_async(&mut connection).await;
        dir.is_ok_and(|dir: Vec<String>| dir.last().is_some_and(|dir| Path::new(dir) == self.dir))
    }

    async fn connect(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
