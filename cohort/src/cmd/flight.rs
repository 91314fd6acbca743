//! `cohort replay node`: runs the roles of a node again from their flight recordings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use battleapp::core::app::Inline;
use serde_json::{Value, json};
use shared::content::Content;
use shared::runtime::{FlightEnd, ReplaySummary, read_flight, replay_flight};

use crate::args::{ConfigArgs, ReplayNodeArgs};
use crate::clock;
use crate::cluster;
use crate::cluster::Recipe;
use crate::cmd::config;
use crate::failure::{Failure, chain};
use crate::output;

/// Gives fresh cores what the recorded ones were given, and compares all that they put out.
///
/// # Errors
/// [`Failure::Check`] names the first tick and call whose outputs differ; [`Failure::File`] if
/// there is no recording.
pub fn replay(args: &ReplayNodeArgs) -> Result<(), Failure> {
    let recipe = Recipe::read(&args.dir)?;
    let by_flags = ConfigArgs { content: args.content.clone(), ..ConfigArgs::default() };
    let config = config::load(&by_flags, &by_flags.flags())?.config;
    let content = Arc::new(cluster::content(&config)?);
    if content.hash() != recipe.content {
        let what = String::from("the node had other content; name its folder with --content");
        return Err(Failure::Check { what });
    }
    let mut differing = Vec::new();
    for file in flights(&args.dir)? {
        if let Err(what) = replay_role(&file, &recipe, &content, args.json)? {
            differing.push(what);
        }
    }
    if differing.is_empty() {
        return Ok(());
    }
    if recipe.build != env!("CARGO_PKG_VERSION") {
        differing.push(format!("it was recorded by build {}", recipe.build));
    }
    Err(Failure::Check { what: differing.join("\n  ") })
}

/// Runs one role again and tells how it went; the inner error says where it differs.
fn replay_role(
    file: &Path,
    recipe: &Recipe,
    content: &Arc<Content>,
    as_json: bool,
) -> Result<Result<(), String>, Failure> {
    let mut reader = read_flight(file).map_err(|error| Failure::Check {
        what: format!("{}: {}", file.display(), chain(&error)),
    })?;
    let header = reader.header();
    let role = header.address.role.name();
    let mut core = recipe.core(header.address, header.rate, content, Box::new(Inline));
    let begun = clock::now();
    let replayed = replay_flight(reader.by_ref(), core.as_mut());
    let took_s = begun.elapsed().as_secs_f64();
    let (ok, text) = match &replayed {
        Ok(summary) => (true, told(summary, reader.end(), header.rate.hz(), took_s)),
        Err(divergence) => (false, divergence.to_string()),
    };
    if as_json {
        let count = |of: fn(&ReplaySummary) -> u64| replayed.as_ref().ok().map(of);
        let value: Value = json!({
            "role": role, "ok": ok, "ticks": count(|it| it.ticks), "inputs": count(|it| it.inputs),
            "outputs": count(|it| it.outputs), "took_s": took_s,
            "differs_at_tick": replayed.as_ref().err().map(|it| it.tick.0),
        });
        output::json(&value)?;
    } else {
        output::data(&format!("{}  {role}  {text}\n", if ok { "ok  " } else { "FAIL" }))?;
    }
    Ok(if ok { Ok(()) } else { Err(format!("{role}: {text}")) })
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn told(summary: &ReplaySummary, end: Option<FlightEnd>, hz: u32, took_s: f64) -> String {
    let ReplaySummary { ticks, replies, inputs, outputs, last } = summary;
    let speed = last.0 as f64 / f64::from(hz) / took_s.max(1e-9);
    let end = match end {
        Some(FlightEnd::Truncated) => ", cut off there",
        Some(FlightEnd::Damaged) => ", damaged there",
        Some(FlightEnd::Complete) | None => "",
    };
    format!(
        "{ticks} ticks, {inputs} inputs and {replies} answers of the store give the same \
         {outputs} outputs, {speed:.0} times as fast{end}"
    )
}

fn flights(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let listed = fs::read_dir(dir).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let listed = listed.map_err(|source| Failure::File { file: dir.to_owned(), source })?;
    let is_flight = |file: &PathBuf| file.extension().is_some_and(|it| it == "flight");
    let mut files: Vec<PathBuf> = listed.into_iter().filter(is_flight).collect();
    files.sort();
    if files.is_empty() {
        let what = format!("{} holds no recording of a role (*.flight)", dir.display());
        return Err(Failure::Check { what });
    }
    Ok(files)
}
