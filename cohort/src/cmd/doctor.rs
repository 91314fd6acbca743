//! `cohort doctor`: what works on this machine, what to do about what does not, and which
//! promises hold here.

mod machine;
mod place;

use std::fmt;
use std::io::IsTerminal as _;

use crate::args::ConfigArgs;
use crate::cluster;
use crate::cmd::config;
use crate::config::backends::StoreKind;
use crate::failure::Failure;
use crate::output;

/// What holds with the embedded store.
const PROMISES: &str = "
What holds in this setup (one process, embedded store, fsync on every commit):
  - An acknowledged change survives kill -9 of the process.
  - It survives a power failure too, if the disk honours flushes.
  - Items and gold moved between players are neither lost nor doubled, whatever crashes.
  - A battle that is being fought ends with its process: nobody gets a result from it.
    Stop with Ctrl-C or SIGTERM, and battles end with a result that is stored and paid.
";

/// What holds with Redis, as far as the findings about it do not say otherwise.
const SHARED_PROMISES: &str = "
What holds in this setup (many processes over Redis), if the settings of Redis above are ok:
  - An acknowledged change survives kill -9 of any node and of Redis.
  - Items and gold moved between players are neither lost nor doubled, whatever crashes.
  - A node that is cut off or paused for longer than its lease can change nothing any more.
  - A battle that is being fought ends with its battleapp: nobody gets a result from it.
";

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// What a check found.
struct Finding {
    level: Level,
    check: &'static str,
    found: String,
    /// What to do; empty if nothing.
    remedy: String,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, found: found.into(), remedy: String::new() }
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Warn, check, found: found.into(), remedy: remedy.into() }
    }

    fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fail, check, found: found.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, colour) = match self.level {
            Level::Ok => ("ok  ", "32"),
            Level::Warn => ("warn", "33"),
            Level::Fail => ("FAIL", "31"),
        };
        let (on, off) = if colour_on_stdout() {
            (format!("\u{1b}[{colour}m"), "\u{1b}[0m")
        } else {
            (String::new(), "")
        };
        write!(
            f,
            "{on}{mark}{off}  {:<12}  {}",
            self.check,
            self.found.replace('\n', "\n        ")
        )?;
        if !self.remedy.is_empty() {
            write!(f, "\n        -> {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Checks everything and prints what was found.
///
/// # Errors
/// [`Failure::Check`] if something is broken; [`Failure::Config`] if the configuration is.
pub async fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let loaded = config::load(args, &args.flags())?;
    let config = &loaded.config;
    let version = format!("cohort {}", env!("CARGO_PKG_VERSION"));
    let mut findings = vec![Finding::ok("version", version), content(config)];
    let answering = place::who_answers(config).await;
    findings.push(place::data_dir(config));
    findings.push(place::flush(config));
    findings.extend(place::store(config, answering.as_ref()));
    findings.push(place::tcp_port(config, answering.as_ref()));
    findings.push(place::udp_port(config, answering.as_ref()));
    findings.push(machine::udp_loopback());
    findings.push(machine::file_descriptors());
    findings.push(machine::cores());
    findings.push(machine::waiting());
    findings.push(machine::wall_clock());
    let mut text = String::new();
    for finding in &findings {
        text += &format!("{finding}\n");
    }
    let is_shared = config.store.kind != StoreKind::Embedded;
    output::data(&(text + if is_shared { SHARED_PROMISES } else { PROMISES }))?;
    let broken = findings.iter().filter(|finding| finding.level == Level::Fail).count();
    if broken == 0 {
        return Ok(());
    }
    Err(Failure::Check { what: format!("{broken} of {} checks failed", findings.len()) })
}

fn content(config: &crate::config::Config) -> Finding {
    match cluster::content(config) {
        Ok(content) => {
            let (heroes, items) = (content.heroes.len(), content.items.len());
            let queues = content.queues.len();
            Finding::ok("content", format!("{heroes} heroes, {items} items, {queues} queues"))
        }
        Err(failure) => Finding::fail("content", failure.to_string(), "mend the lines named above"),
    }
}

fn colour_on_stdout() -> bool {
    let objection = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !objection && std::io::stdout().is_terminal()
}
