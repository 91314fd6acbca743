//! Servers of our own: on free loopback ports, with their files in a directory of their own, and
//! ended by their process id with whoever started them, also after an error or a panic.

mod cluster;

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

pub use self::cluster::RedisCluster;
use crate::error::{BenchError, Result};

/// A port may be taken by somebody else between being found free and being used.
const PORTS_TRIED_MAX: u32 = 5;
/// Lines that a server that does not start has said and that are told.
const LINES_TOLD_MAX: usize = 3;
const REDIS: Program =
    Program { name: "redis-server", package: "redis-server", ready: "Ready to accept connections" };
const NATS: Program =
    Program { name: "nats-server", package: "nats-server", ready: "Server is ready" };

/// How a Redis server keeps what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOnly {
    /// Not at all.
    Off,
    /// In a file that is synced before each answer.
    Always,
}

/// A running server. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct Server {
    scheme: &'static str,
    port: u16,
    process: Child,
    dir: TempDir,
}

#[derive(Clone, Copy, Debug)]
struct Program {
    name: &'static str,
    package: &'static str,
    /// What it says when it takes connections.
    ready: &'static str,
}

impl AppendOnly {
    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Off => &["--appendonly", "no"],
            Self::Always => &["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}

impl Server {
    /// A Redis server whose files are below `dir`.
    ///
    /// # Errors
    /// [`BenchError`] if it is not installed or does not start.
    pub fn redis(dir: &Path, keeps: AppendOnly) -> Result<Self> {
        Self::redis_with(dir, |_| keeps.settings().iter().map(ToString::to_string).collect())
    }

    /// A NATS server without JetStream.
    ///
    /// # Errors
    /// [`BenchError`] if it is not installed or does not start.
    pub fn nats(dir: &Path) -> Result<Self> {
        start(NATS, dir, |port, _| ["-a", "127.0.0.1", "-p", port].map(String::from).to_vec())
    }

    /// `more` makes further settings.
    fn redis_with(dir: &Path, more: impl Fn(&str) -> Vec<String>) -> Result<Self> {
        start(REDIS, dir, |port, files| {
            let usual = ["--port", port, "--bind", "127.0.0.1", "--dir", files, "--save", ""];
            let mut arguments: Vec<_> = usual.map(String::from).to_vec();
            arguments.extend(more(port));
            arguments
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// `arguments` are made from the port and the directory.
fn start(
    program: Program,
    dir: &Path,
    arguments: impl Fn(&str, &str) -> Vec<String>,
) -> Result<Server> {
    let mut said = String::new();
    for _ in 0..PORTS_TRIED_MAX {
        let port = free_port()?;
        let files = TempDir::with_prefix_in(program.name, dir)
            .map_err(|source| BenchError::Dir { dir: dir.to_owned(), source })?;
        let arguments = arguments(&port.to_string(), &files.path().to_string_lossy());
        match launch(program, &arguments)? {
            Launched::Ready(process) => {
                let scheme = if program.name == NATS.name { "nats" } else { "redis" };
                return Ok(Server { scheme, port, process, dir: files });
            }
            Launched::Ended(last) => said = last,
        }
    }
    Err(BenchError::Server { program: program.name, said })
}

enum Launched {
    Ready(Child),
    /// With what it said last.
    Ended(String),
}

fn launch(program: Program, arguments: &[String]) -> Result<Launched> {
    let mut command = Command::new(program.name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C is meant for us: a step that was begun still needs its server.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut process = command.spawn().map_err(|source| {
        if source.kind() == ErrorKind::NotFound {
            BenchError::Missing { program: program.name, package: program.package }
        } else {
            BenchError::Io { what: program.name, source }
        }
    })?;
    let pipes = (process.stdout.take(), process.stderr.take());
    // Redis writes to one of them, NATS to the other.
    let (talk, silent): (Box<dyn Read + Send>, Box<dyn Read + Send>) = match pipes {
        (Some(out), Some(err)) if program.name == REDIS.name => (Box::new(out), Box::new(err)),
        (Some(out), Some(err)) => (Box::new(err), Box::new(out)),
        (Some(_) | None, _) => unreachable!("both are pipes"),
    };
    read_away(BufReader::new(silent));
    let mut talk = BufReader::new(talk);
    let mut said = Vec::new();
    let mut line = String::new();
    while talk.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if line.contains(program.ready) {
            read_away(talk);
            return Ok(Launched::Ready(process));
        }
        said.push(std::mem::take(&mut line).trim().to_owned());
    }
    // It has closed its output, so it is about to end.
    let _status = process.wait();
    let last = said.split_off(said.len().saturating_sub(LINES_TOLD_MAX));
    Ok(Launched::Ended(last.join("; ")))
}

/// Reads what a server says and throws it away, so that it never waits for us. Ends with it.
fn read_away(mut talk: BufReader<Box<dyn Read + Send>>) {
    thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
}

fn free_port() -> Result<u16> {
    let no_port = BenchError::io("a free port");
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    bound.map(|address| address.port()).map_err(no_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: Program =
        Program { name: "no-such-server", package: "no-such-package", ready: "ready" };

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_says_what_to_install() {
        let dir = TempDir::new().unwrap();
        let error = start(STRANGER, dir.path(), |_, _| Vec::new()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`no-such-server`"), "{text}");
        assert!(text.contains("apt-get install no-such-package"), "{text}");
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_words() {
        let dir = TempDir::new().unwrap();
        let words = |_: &str, _: &str| vec![String::from("--no-such-setting")];
        let error = start(REDIS, dir.path(), words).unwrap_err();
        assert!(matches!(error, BenchError::Server { .. }), "{error}");
    }

    #[test]
    fn a_server_and_its_files_are_gone_when_it_is_dropped() {
        let dir = TempDir::new().unwrap();
        let server = Server::redis(dir.path(), AppendOnly::Always).unwrap();
        let address = (Ipv4Addr::LOCALHOST, server.port());
        assert!(std::net::TcpStream::connect(address).is_ok());
        drop(server);
        assert!(std::net::TcpStream::connect(address).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
