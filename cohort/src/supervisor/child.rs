//! The life of one process: start, watch, start again, end.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child as Started, ChildStdin, Command};
use tokio::sync::watch;

use super::plan::{Process, Stage};
use super::{Shared, Stop};
use crate::clock;
use crate::config::Config;
use crate::failure::EXIT_CONFIG;

/// The first pause before a process is started again. It doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A process that ran so long was well; the pauses begin anew.
const WELL: Duration = Duration::from_secs(20);
/// Starts in a row that fail before anything was ready. Then it is given up.
const FIRST_STARTS_MAX: u32 = 3;

/// What others see of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) name: String,
    pub(super) pid: Option<u32>,
    /// Its status page, from the moment on at which it was ready.
    pub(super) url: Option<String>,
    /// It does not run, and will not be started again.
    pub(super) ended: bool,
    pub(super) given_up: Option<String>,
}

impl Life {
    /// Where the process is reached under another address of its machine.
    pub(super) fn address(&self, ip: IpAddr) -> Option<SocketAddr> {
        let url = self.url.as_deref()?.trim_end_matches('/');
        let port = url.rsplit(':').next()?.parse().ok()?;
        Some(SocketAddr::new(ip, port))
    }
}

/// Why the watch over something ended.
pub(super) enum Ended {
    Asked,
    GivenUp(String),
}

/// A process that is watched.
pub(super) struct Child {
    process: Shared<Process>,
    config: Config,
    dir: PathBuf,
    life: watch::Sender<Life>,
    stop: Stop,
}

impl Child {
    pub(super) fn new(
        process: Shared<Process>,
        dir: &Path,
        life: watch::Sender<Life>,
        stop: Stop,
    ) -> Self {
        life.send_modify(|life| life.name.clone_from(&process.name));
        let config = process.config.clone();
        Self { process, config, dir: dir.to_path_buf(), life, stop }
    }

    /// Keeps the process running until it is asked to stop, or does not start at all.
    pub(super) async fn run(mut self) -> Ended {
        let ended = self.keep().await;
        let _not_there = tokio::fs::remove_file(self.file("pid")).await;
        self.life.send_modify(|life| {
            life.ended = true;
            life.pid = None;
            if let Ended::GivenUp(why) = &ended {
                life.given_up = Some(why.clone());
            }
        });
        ended
    }

    async fn keep(&mut self) -> Ended {
        let (mut pause, mut failures) = (PAUSE, 0);
        loop {
            let begun = clock::now();
            let why = match self.start().await {
                Ok((child, stdin)) => match self.watch(child, stdin).await {
                    Some(status) => status.code().map_or_else(
                        || String::from("was killed"),
                        |code| format!("ended with code {code}"),
                    ),
                    None => return Ended::Asked,
                },
                Err(error) => format!("cannot be started: {error}"),
            };
            failures += 1;
            let is_config = why.ends_with(&format!("code {EXIT_CONFIG}"));
            let was_ready = self.life.borrow().url.is_some();
            if !was_ready && (is_config || failures >= FIRST_STARTS_MAX) {
                let log = self.file("log");
                let said = tokio::fs::read_to_string(&log).await.unwrap_or_default();
                let last = said.trim_end().rsplit_once("error: ").map_or("", |(_, last)| last);
                let (name, log) = (&self.process.name, log.display());
                return Ended::GivenUp(format!("{name} {why}: {last}\n  see {log}"));
            }
            if begun.elapsed() >= WELL {
                pause = PAUSE;
            }
            tracing::warn!(process = self.process.name, why, "started again");
            if self.is_to_stop_within(pause).await {
                return Ended::Asked;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn start(&self) -> std::io::Result<(Started, ChildStdin)> {
        let file = self.file("toml");
        let text = toml::to_string(&self.config).map_err(std::io::Error::other)?;
        tokio::fs::write(&file, text).await?;
        let mut options = std::fs::OpenOptions::new();
        let log = options.create(true).append(true).open(self.file("log"))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("node").arg("--config").arg(&file).arg("--while-stdin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        // Whatever is set around us is in the file already.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COHORT_")) {
            command.env_remove(name);
        }
        // Ctrl-C is for us: the processes end in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        if let Some(pid) = child.id() {
            tokio::fs::write(self.file("pid"), format!("{pid}\n")).await?;
        }
        self.life.send_modify(|life| life.pid = child.id());
        let stdin = child.stdin.take().ok_or_else(|| std::io::Error::other("no stdin"))?;
        Ok((child, stdin))
    }

    /// Waits until the process has ended; gives `None` if it was asked to.
    async fn watch(&mut self, mut child: Started, stdin: ChildStdin) -> Option<ExitStatus> {
        let mut stdin = Some(stdin);
        let mut lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let mut stop = self.stop.clone();
        let stage = self.process.stage;
        loop {
            let line = async {
                match &mut lines {
                    Some(lines) => lines.next_line().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                status = child.wait() => {
                    let asked = stdin.is_none();
                    return status.ok().filter(|_| !asked);
                }
                line = line => match line {
                    Ok(Some(url)) => self.is_ready(url.trim()),
                    Ok(None) | Err(_) => lines = None,
                },
                // Dropping its standard input asks the process to drain.
                () = asked(&mut stop, stage), if stdin.is_some() => drop(stdin.take()),
            }
        }
    }

    /// The process says where its status page is. It gets the same port again.
    fn is_ready(&mut self, url: &str) {
        let mut address = None;
        self.life.send_modify(|life| {
            life.url = Some(url.to_owned());
            address = life.address(self.config.edge.bind);
        });
        if let Some(address) = address {
            self.config.edge.port = address.port();
        }
    }

    async fn is_to_stop_within(&mut self, pause: Duration) -> bool {
        let stage = self.process.stage;
        tokio::time::timeout(pause, asked(&mut self.stop, stage)).await.is_ok()
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.dir.join(format!("{}.{extension}", self.process.name))
    }
}

/// Waits until the processes of a stage are to end.
pub(super) async fn asked(stop: &mut Stop, stage: Stage) {
    // Without a supervisor there is nobody to run for.
    let _gone = stop.wait_for(|now| now.is_some_and(|now| now >= stage)).await;
}
