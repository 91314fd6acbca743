//! A Redis or NATS server for one test: a process of its own on a loopback port.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

#[path = "../servers/port.rs"]
mod port;

use self::port::Port;

const MISSING: &str = "is not installed: apt-get install redis-server nats-server";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Nats,
}

/// Dropping it ends the process.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    port: Port,
    dir: TempDir,
    pub(crate) process: Option<Process>,
}

pub(crate) struct Process {
    pub(crate) child: Child,
    /// What it writes. Not read any more, but open: it would die of a closed one.
    _output: Box<dyn Read + Send + Sync>,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut server = Self { kind, port: Port::reserve(), dir, process: None };
        server.launch();
        server
    }

    pub(crate) fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Redis => "redis",
            Kind::Nats => "nats",
        };
        format!("{scheme}://127.0.0.1:{}", self.port.number())
    }

    /// Starts the process, for the first time or again, and waits until it is ready.
    pub(crate) fn launch(&mut self) {
        let port = self.port.number().to_string();
        let dir = self.dir.path();
        let (name, ready, mut command) = match self.kind {
            Kind::Redis => {
                let mut command = Command::new("redis-server");
                command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port, "--dir"]);
                command.arg(dir).stdout(Stdio::piped());
                ("redis-server", "Ready to accept connections", command)
            }
            Kind::Nats => {
                let mut command = Command::new("nats-server");
                command.args(["-a", "127.0.0.1", "-p", &port]).stderr(Stdio::piped());
                ("nats-server", "Server is ready", command)
            }
        };
        let spawned = command.stdin(Stdio::null()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} {MISSING} ({error})"));
        let output: Box<dyn Read + Send + Sync> = match (child.stdout.take(), child.stderr.take()) {
            (Some(output), _) => Box::new(output),
            (None, Some(output)) => Box::new(output),
            (None, None) => unreachable!("one of them is a pipe"),
        };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).expect("it writes text") > 0 {
            if line.contains(ready) {
                self.process = Some(Process { child, _output: output.into_inner() });
                return;
            }
            line.clear();
        }
        panic!("{name} ended before it was ready: {:?}", child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
