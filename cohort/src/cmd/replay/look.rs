//! Looking into a recorded battle: its state at a tick, where it parts from another, its lines.

use std::fmt::Write as _;
use std::path::Path;

use battleapp::core::modes::Modes;
use battleapp::replay::{self, Diff, Replay};
use serde_json::{Value, json};
use shared::msg::client::Act;

use crate::args::{ReplayDiffArgs, ReplayExportArgs, ReplaySeekArgs};
use crate::failure::Failure;
use crate::output;

/// Shows the state after a tick: the nearest keyframe before it, run on from there.
///
/// # Errors
/// [`Failure::Check`] if the tick is not in the file, [`Failure::File`].
pub fn seek(args: &ReplaySeekArgs) -> Result<(), Failure> {
    let replay = open(&args.file)?;
    let found = replay::seek(Modes::BUILTIN, &replay, args.tick);
    let mut sim = found.map_err(|error| not_usable(&args.file, &error.to_string()))?;
    let mut rows = Vec::new();
    sim.fields(&mut rows);
    let mut text = String::new();
    for row in rows {
        let (component, field) = (row.component, row.field);
        if args.json {
            let (entity, value) = (row.entity, row.value);
            let line = json!({
                "tick": args.tick, "component": component, "entity": entity, "field": field,
                "value": value,
            });
            text += &format!("{line}\n");
        } else {
            let entity = row.entity.map_or_else(String::new, |id| format!("entity {id}, "));
            let name = format!("{entity}{component}.{field}");
            text += &format!("{name:<40} {}\n", row.value);
        }
    }
    output::data(&text)
}

/// Says where two recordings part.
///
/// # Errors
/// [`Failure::Check`] says where, if they do; [`Failure::File`].
pub fn diff(args: &ReplayDiffArgs) -> Result<(), Failure> {
    let (first, second) = (open(&args.first)?, open(&args.second)?);
    let found = replay::diff(Modes::BUILTIN, &first, &second);
    match found.map_err(|error| not_usable(&args.second, &error.to_string()))? {
        same @ Diff::Same { .. } => output::data(&format!("{same}\n")),
        other @ (Diff::Setup | Diff::Length { .. } | Diff::Orders { .. } | Diff::State { .. }) => {
            Err(Failure::Check { what: other.to_string() })
        }
    }
}

/// Prints a recording as JSON lines.
///
/// # Errors
/// [`Failure::Check`] if it is no recording, [`Failure::File`].
pub fn export(args: &ReplayExportArgs) -> Result<(), Failure> {
    let replay = open(&args.file)?;
    let mut text = format!("{}\n", super::show::description(&args.file, &replay));
    for (tick, record) in (1u32..).zip(&replay.ticks) {
        let orders: Vec<Value> = record
            .orders
            .iter()
            .map(|order| match order.act {
                Act::None => json!({ "walk": order.walk }),
                Act::Skill { skill, aim_mm } => {
                    json!({ "walk": order.walk, "skill": skill, "aim_mm": aim_mm })
                }
            })
            .collect();
        let hash = format!("{:016x}", record.hash);
        let _in_memory =
            writeln!(text, "{}", json!({ "tick": tick, "orders": orders, "hash": hash }));
    }
    output::data(&text)
}

fn open(file: &Path) -> Result<Replay, Failure> {
    let bytes = super::read(file)?;
    Replay::read(&bytes).map_err(|error| not_usable(file, &error.to_string()))
}

fn not_usable(file: &Path, why: &str) -> Failure {
    Failure::Check { what: format!("{}: {why}", file.display()) }
}
