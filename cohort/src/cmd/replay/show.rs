//! What is recorded: the replays of a folder, and who fought in one, how it ended, what happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use battleapp::core::modes::Modes;
use battleapp::core::sim::Order;
use battleapp::replay::{self, Replay, TickRecord};
use serde_json::{Value, json};
use shared::content::Strength;
use shared::msg::client::Act;
use shared::msg::snapshot::SPECTATOR;

use super::frame::Frame;
use crate::args::{ReplayListArgs, ReplayShowArgs};
use crate::clock;
use crate::failure::Failure;
use crate::output;
use crate::replays::index::{self, Entry};

/// Lists the replays of a folder, the newest first.
///
/// # Errors
/// [`Failure::File`] if the folder cannot be read.
pub fn list(args: &ReplayListArgs) -> Result<(), Failure> {
    let unreadable = |source| Failure::File { file: args.dir.clone(), source };
    let mut entries = index::read(&args.dir).map_err(unreadable)?;
    if let Some(player) = &args.player {
        entries.retain(|entry| entry.has(player));
    }
    let now = clock::wall();
    let newest = entries.iter().rev().take(args.limit);
    if args.json {
        let line = |entry| serde_json::to_string(entry).unwrap_or_default() + "\n";
        return output::data(&newest.map(line).collect::<String>());
    }
    let head = ["saved", "battle", "mode", "length", "result", "build", "players"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(newest.map(|entry| row(entry, now)));
    output::data(&output::table(&rows))?;
    eprintln!("{} of {} replays", rows.len() - 1, entries.len());
    Ok(())
}

fn row(entry: &Entry, now: SystemTime) -> Vec<String> {
    let age_s = now.duration_since(entry.saved()).unwrap_or_default().as_secs();
    let age = match age_s {
        0..120 => format!("{age_s} s ago"),
        120..7_200 => format!("{} min ago", age_s / 60),
        7_200..172_800 => format!("{} h ago", age_s / 3_600),
        _ => format!("{} days ago", age_s / 86_400),
    };
    let seconds = entry.ticks / entry.hz.max(1);
    let side = |side: u8| {
        let players = entry.players.iter().filter(|it| it.side == side);
        players.map(|it| it.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    vec![
        age,
        entry.battle.clone(),
        entry.mode.clone(),
        format!("{}:{:02}", seconds / 60, seconds % 60),
        entry.result.clone(),
        entry.build.clone(),
        format!("{} : {}", side(0), side(1)),
    ]
}

/// Shows what recordings hold, and one of their frames if a tick is asked for.
///
/// # Errors
/// [`Failure::Check`] if a file is no recording or the tick is not in it, [`Failure::File`].
pub fn show(args: &ReplayShowArgs) -> Result<(), Failure> {
    let files = super::files(&args.files)?;
    if files.len() > 1 && (args.tick.is_some() || args.svg.is_some()) {
        let what = String::from("a frame is drawn of one replay: name one file");
        return Err(Failure::Check { what });
    }
    for file in files {
        let unusable = |error: &dyn std::fmt::Display| Failure::Check {
            what: format!("{}: {error}", file.display()),
        };
        let replay = Replay::read(&super::read(&file)?).map_err(|error| unusable(&error))?;
        let shown = description(&file, &replay);
        if args.json {
            output::json(&shown)?;
            continue;
        }
        output::data(&listed(&shown))?;
        if args.tick.is_none() && args.svg.is_none() {
            continue;
        }
        let tick = args.tick.unwrap_or_else(|| replay.ticks_read());
        let found = replay::seek(Modes::BUILTIN, &replay, tick);
        let view = found.map_err(|error| unusable(&error))?.view(SPECTATOR);
        draw(&Frame::of(&replay.header.setup, &view), args.svg.as_ref())?;
    }
    Ok(())
}

fn draw(frame: &Frame, svg: Option<&PathBuf>) -> Result<(), Failure> {
    let Some(file) = svg else { return output::data(&frame.characters()) };
    let unwritable = |source| Failure::File { file: file.clone(), source };
    fs::write(file, frame.svg()).map_err(unwritable)?;
    eprintln!("drawn into {}", file.display());
    Ok(())
}

/// What a recording holds.
pub(super) fn description(file: &Path, replay: &Replay) -> Value {
    let header = &replay.header;
    let setup = &header.setup;
    let seats = setup.seats.iter().enumerate().map(|(slot, seat)| {
        let of_tick = |record: &TickRecord| record.orders.get(slot).copied();
        let did = |what: fn(Order) -> bool| {
            replay.ticks.iter().filter_map(of_tick).filter(|order| what(*order)).count()
        };
        json!({
            "side": seat.side, "player": seat.player().map(|player| player.to_string()),
            "bot": seat.bot().map(Strength::name), "name": seat.name,
            "hero": setup.hero(seat.hero).map(|hero| hero.name.clone()),
            "ticks_walked": did(|order| order.walk != (0, 0)),
            "skills_tried": did(|order| order.act != Act::None),
        })
    });
    json!({
        "file": file,
        "battle": setup.battle.to_string(),
        "build": header.build,
        "rules": header.rules,
        "ruleset": format!("{:016x}", header.ruleset),
        "mode": setup.mode,
        "ticks": replay.ticks_read(),
        "ticks_per_s": setup.hz,
        "keyframes": replay.keyframes.len(),
        "complete": replay.complete,
        "result": index::result(replay),
        "seats": seats.collect::<Vec<_>>(),
    })
}

/// A description as lines of name and value.
fn listed(shown: &Value) -> String {
    let mut text = String::new();
    for (name, value) in shown.as_object().into_iter().flatten() {
        let seats = value.as_array().map_or(&[][..], Vec::as_slice);
        if seats.is_empty() {
            text += &format!("{name:<12}  {}\n", value.as_str().unwrap_or(&value.to_string()));
        }
        for seat in seats {
            let name = seat["name"].as_str().unwrap_or_default();
            text += &format!(
                "{:<12}  {name}, {}; walked in {} ticks, tried {} skills\n",
                format!("side {}", seat["side"]),
                seat["hero"].as_str().unwrap_or_default(),
                seat["ticks_walked"],
                seat["skills_tried"]
            );
        }
    }
    text + "\n"
}
