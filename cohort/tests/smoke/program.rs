//! Starts the program and waits for it, never longer than a deadline.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Nothing that is tested here takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with arguments, without what the environment of the test may say.
pub(crate) fn cohort(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cohort"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COHORT_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Done {
    end_of(cohort(arguments).spawn().unwrap())
}

/// Waits for the end of a program; ends it at the deadline.
pub(crate) fn end_of(child: Child) -> Done {
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        signal(id, "-KILL");
        panic!("the program did not end in time");
    });
    let output = output.unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Checks code and parts of the message of a run that fails.
pub(crate) fn check_refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let done = run(arguments);
    assert_eq!(done.code, Some(code), "{done:?}");
    for part in parts {
        assert!(done.stderr.contains(part), "{part:?} is not in {}", done.stderr);
    }
}

/// A node that runs; killed when dropped.
pub(crate) struct Running {
    child: Option<Child>,
    stdout: BufReader<ChildStdout>,
    /// `http://host:port`
    pub(crate) url: String,
}

impl Running {
    /// Starts `up` without bots on a free port and waits until it is ready.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let data = data.to_str().unwrap();
        let mut command = cohort(&["up", "--bots", "0", "--port", "0", "--data", data]);
        let mut child = command.args(arguments).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().trim_end_matches('/').to_owned();
        if !url.starts_with("http://127.0.0.1:") {
            panic!("{url:?} is no address; {:?}", end_of(child));
        }
        Self { child: Some(child), stdout, url }
    }

    /// The port that it took.
    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Runs `bots` against it with the certificate from its data directory.
    pub(crate) fn bots(&self, data: &Path, arguments: &[&str]) -> Done {
        let certificate = data.join("tls/cert.pem");
        let server = format!("127.0.0.1:{}", self.port());
        let mut command = cohort(&["bots", "--server", &server]);
        command.arg("--cert").arg(certificate).args(arguments);
        end_of(command.spawn().unwrap())
    }

    /// Asks for the status until there is something in it.
    pub(crate) fn find_in_status<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let begun = ::cohort::clock::now();
        loop {
            let status = run(&["status", "--url", &self.url]).stdout;
            if let Some(found) = find(&status) {
                return found;
            }
            assert!(begun.elapsed() < DEADLINE, "not in {status}");
        }
    }

    /// What it answers at `path`: status line and headers, and body.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end_with(mut self, name: &str) -> Done {
        let child = self.child.take().unwrap();
        signal(child.id(), name);
        let mut done = end_of(child);
        self.stdout.read_to_string(&mut done.stdout).unwrap();
        done
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}

pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status().unwrap();
    assert!(sent.success());
}
