//! A real `redis-server` of our own: on a loopback port, with its files in a directory that
//! the caller owns, and ended with whoever started it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[path = "port.rs"]
mod port;

pub(crate) use self::port::Port;

/// A running server. Dropping it is `kill -9`.
pub(crate) struct Server {
    pub(crate) port: Port,
    child: Child,
}

impl Server {
    /// Starts a server and waits until it takes connections.
    pub(crate) fn start(dir: &Path, port: &Port, settings: &[&str]) -> Self {
        let number = port.number().to_string();
        let dir = dir.to_str().expect("a path that is text");
        let usual = ["--port", &number, "--bind", "127.0.0.1", "--dir", dir, "--save", ""];
        let usual = usual.iter().chain(&["--loglevel", "notice", "--logfile", ""]);
        let started = Command::new("redis-server")
            .args(usual)
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.expect("redis-server starts: apt-get install redis-server");
        let out = child.stdout.take().expect("is piped");
        let mut lines = BufReader::new(out).lines();
        let mut said = Vec::new();
        loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("redis-server ended before it was ready:\n{}", said.join("\n"));
            };
            if line.contains("Ready to accept connections") {
                break;
            }
            said.push(line);
        }
        // What it says later is read and thrown away, so that it never waits for us.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { port: port.clone(), child }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("ends");
    }
}
