//! `cohort bots`: many players over real sockets, measured and judged.

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::Trust;
use shared::content::Content;
use sim_tests::load::{self, CheckConfig, LoadConfig, LoadError, LoadReport};
use tokio::sync::watch;

use crate::args::BotsArgs;
use crate::cluster;
use crate::failure::{Failure, chain};
use crate::output;
use crate::stop::StopSignals;
use crate::suggest::Unknown;

/// Nobody could log in for so long: there is no use in going on.
const FIRST_LOGIN_LIMIT: Duration = Duration::from_secs(8);
/// How often progress is told where nothing can be overwritten.
const LINE_EVERY_S: u64 = 10;
/// The default of `--ramp` is this part of the whole, and at most [`RAMP_MAX`].
const RAMP_PART: u32 = 10;
const RAMP_MAX: Duration = Duration::from_secs(10);

/// Why a run ended before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Somebody asked.
    Asked,
    /// Nobody could log in.
    NoLogin,
}

/// Lets bots play and prints what was measured, or checks a ledger.
///
/// # Errors
/// [`Failure::Check`] if there were errors, or a threshold was not met, or something acknowledged
/// is not there any more; [`Failure::Load`] if nobody could play.
pub async fn run(args: &BotsArgs) -> Result<(), Failure> {
    let trust = trust(&args.cert)?;
    match &args.check_ledger {
        Some(ledger) => check(args, trust, ledger).await,
        None => play(args, trust).await,
    }
}

/// Trusts the certificate in a file.
///
/// # Errors
/// [`Failure::Load`]
pub fn trust(certificate: &Path) -> Result<Trust, Failure> {
    fs::read(certificate).map(Trust::Certificate).map_err(|error| Failure::Load {
        what: format!(
            "cannot read the certificate of the server, {}: {error}\n  \
             say where it is with --cert; a node keeps it in DATA/tls/cert.pem",
            certificate.display()
        ),
    })
}

async fn play(args: &BotsArgs, trust: Trust) -> Result<(), Failure> {
    let mut signals =
        StopSignals::listen().map_err(|error| Failure::Node { what: error.to_string() })?;
    let lasting = args.lasting.duration();
    let (progress, seen) = watch::channel(LoadReport::default());
    let mut config = LoadConfig::new(args.server.clone(), trust, args.players);
    config.server_name.clone_from(&args.server_name);
    config.ramp = args.ramp.map_or((lasting / RAMP_PART).min(RAMP_MAX), |ramp| ramp.duration());
    config.duration = Some(lasting);
    config.seed = args.seed;
    config.pace = args.pace.duration();
    config.content =
        Arc::new(cluster::content_in(args.content.as_deref().unwrap_or(Path::new("")))?);
    config.queue = args.queue.clone().map(|name| known(name, &config.content)).transpose()?;
    config.tolerate_disconnects = args.tolerate_disconnects;
    config.thresholds.clone_from(&args.thresholds);
    config.ledger.clone_from(&args.ledger);
    config.progress = Some(progress);

    let (cut, was_cut) = watch::channel(None);
    let stop = async {
        let why = tokio::select! {
            _ = signals.next() => Cut::Asked,
            () = watch_progress(seen, lasting) => Cut::NoLogin,
        };
        cut.send_replace(Some(why));
    };
    let report = Box::pin(load::run(config, stop)).await;
    clear_line();
    let report = report.map_err(|error| unusable(&error))?;
    if *was_cut.borrow() == Some(Cut::NoLogin) {
        let what = format!(
            "no bot could log in at {} within {} s:\n{}",
            list(&args.server),
            FIRST_LOGIN_LIMIT.as_secs(),
            report.breakdown().trim_end()
        );
        return Err(Failure::Load { what });
    }
    tell(args, &report)
}

/// The name of a queue that the content has.
fn known(queue: String, content: &Content) -> Result<String, Failure> {
    if content.queues.contains_key(&queue) {
        return Ok(queue);
    }
    let unknown = Unknown::new("queue", &queue, content.queues.keys().map(String::as_str));
    Err(Failure::Load { what: unknown.to_string() })
}

/// Addresses, separated by commas.
fn list(servers: &[std::net::SocketAddr]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Prints the report and judges it.
fn tell(args: &BotsArgs, report: &LoadReport) -> Result<(), Failure> {
    eprint!("{}", report.breakdown());
    if args.json {
        let value = serde_json::to_value(report)
            .map_err(|error| Failure::Node { what: error.to_string() })?;
        output::json(&value)?;
    } else {
        output::data(&report.table(&args.thresholds))?;
    }
    if !report.thresholds_failed.is_empty() {
        let what = format!("thresholds not met: {}", report.thresholds_failed.join(", "));
        return Err(Failure::Check { what });
    }
    if report.errors > 0 {
        return Err(Failure::Check { what: format!("{} errors", report.errors) });
    }
    Ok(())
}

async fn check(args: &BotsArgs, trust: Trust, ledger: &Path) -> Result<(), Failure> {
    let content = cluster::content_in(args.content.as_deref().unwrap_or(Path::new("")))?;
    let config = CheckConfig {
        servers: args.server.clone(),
        server_name: args.server_name.clone(),
        trust,
        ledger: ledger.to_owned(),
        content: Arc::new(content),
    };
    let verdict = Box::pin(load::check_ledger(config)).await.map_err(|error| unusable(&error))?;
    if args.json {
        let value = serde_json::to_value(&verdict)
            .map_err(|error| Failure::Node { what: error.to_string() })?;
        output::json(&value)?;
    } else {
        let mut text = format!(
            "{} players compared with {}\n{} had a request in doubt, {} of them were carried out\n",
            verdict.players,
            ledger.display(),
            verdict.in_doubt,
            verdict.in_doubt_done
        );
        for (account, differences) in &verdict.differing {
            text += &format!("LOST  {account}: {}\n", differences.join("; "));
        }
        output::data(&text)?;
    }
    if verdict.players == 0 {
        return Err(Failure::Check { what: String::from("the ledger has nothing to compare") });
    }
    match verdict.differing.len() {
        0 => {
            eprintln!("nothing that was acknowledged is lost");
            Ok(())
        }
        lost => Err(Failure::Check { what: format!("{lost} players lost something") }),
    }
}

/// Shows how a run goes; returns if nobody can log in.
async fn watch_progress(mut seen: watch::Receiver<LoadReport>, lasting: Duration) {
    let terminal = stderr().is_terminal();
    let mut seconds = 0;
    while seen.changed().await.is_ok() {
        let report = seen.borrow_and_update().clone();
        let left = lasting.as_secs().saturating_sub(seconds);
        let line = format!(
            "{} logins, {} requests, p99 {:.0} ms, {} battles, {} errors, {left} s left",
            report.logins,
            report.requests,
            report.reply_ms.p99,
            report.battles_finished,
            report.errors
        );
        // Progress that cannot be shown is no reason to stop.
        if terminal {
            let _ = write!(stderr(), "\r\x1b[K{line}");
        } else if seconds > 0 && seconds.is_multiple_of(LINE_EVERY_S) {
            eprintln!("{line}");
        }
        seconds += 1;
        if report.logins == 0 && seconds > FIRST_LOGIN_LIMIT.as_secs() {
            return;
        }
    }
    std::future::pending().await
}

fn clear_line() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}

fn unusable(error: &LoadError) -> Failure {
    Failure::Load { what: chain(error) }
}
