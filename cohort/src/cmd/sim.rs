//! `cohort sim`: a whole cluster in one thread from one seed.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;

use serde_json::{Value, json};
use shared::content::Content;
use sim_tests::sim::plan::Plan;
use sim_tests::sim::{self, Campaign, Outcome, Tally};

use crate::args::{SimCommand, SimRunArgs, SimShowArgs, SimSpeedArgs};
use crate::clock;
use crate::failure::Failure;
use crate::output;

/// Seeds that are run before what never occurred is a failure of its own.
const SEEDS_FOR_EVERYTHING: u64 = 100;

/// Does what is asked for.
///
/// # Errors
/// [`Failure::Check`] if a promise was broken, if many seeds never met a fault, a message or a
/// refusal, or if a deliberate bug got away.
pub fn run(command: &SimCommand) -> Result<(), Failure> {
    let content = sim::content();
    match command {
        SimCommand::Run(args) => campaign(args, &content),
        SimCommand::Show(args) => show(args, &content),
        SimCommand::Speed(args) => speed(args, &content),
        #[cfg(feature = "mutations")]
        SimCommand::Mutations(args) => mutations(args, &content),
    }
}

fn campaign(args: &SimRunArgs, content: &Arc<Content>) -> Result<(), Failure> {
    let mut campaign = Campaign::new(args.faults.into(), Arc::clone(content));
    let shows = stderr().is_terminal() && !args.json;
    let (begun, count) = (clock::now(), args.seeds.end() - args.seeds.start() + 1);
    let mut failed: Option<(u64, Outcome)> = None;
    for seed in args.seeds.clone() {
        let outcome = campaign.run(seed);
        if shows {
            let done = seed - args.seeds.start() + 1;
            let rate = per_second(done, begun.elapsed().as_secs_f64());
            eprint!("\r{done} of {count} seeds, {rate:.1} per second ");
            let _unimportant = stderr().flush();
        }
        if outcome.broken.is_some() {
            failed = Some((seed, outcome));
            break;
        }
    }
    if shows {
        eprint!("\r{:60}\r", "");
    }
    let took_s = begun.elapsed().as_secs_f64();
    let missing = campaign.missing();
    let tally = campaign.tally();
    if args.json {
        output::json(&value(args, tally, failed.as_ref(), took_s))?;
    } else {
        output::data(&text(tally, took_s))?;
    }
    if let Some((seed, outcome)) = failed {
        let what = outcome.broken.map(|broken| broken.to_string()).unwrap_or_default();
        let faults = args.faults.name();
        let again = format!("cohort sim show {seed} --faults {faults}");
        return Err(Failure::Check { what: format!("seed {seed}: {what}\n  see it: {again}") });
    }
    if tally.seeds >= SEEDS_FOR_EVERYTHING && !missing.is_empty() {
        let what = format!("these never occurred: {}", missing.join(", "));
        return Err(Failure::Check { what });
    }
    Ok(())
}

fn text(tally: &Tally, took_s: f64) -> String {
    let simulated_s = seconds(tally.simulated_us);
    let mut rows = vec![vec![String::from("what occurred"), String::from("times")]];
    rows.extend(tally.counts.iter().map(|(what, count)| vec![what.clone(), count.to_string()]));
    format!(
        "{}\n{} seeds in {took_s:.1} s: {:.1} seeds per second, {:.2} simulated hours, \
         {:.0} simulated seconds per second, {} events\n",
        output::table(&rows),
        tally.seeds,
        per_second(tally.seeds, took_s),
        simulated_s / 3_600.0,
        simulated_s / took_s.max(1e-9),
        tally.events,
    )
}

fn value(args: &SimRunArgs, tally: &Tally, failed: Option<&(u64, Outcome)>, took_s: f64) -> Value {
    let simulated_s = seconds(tally.simulated_us);
    let counts: &BTreeMap<String, u64> = &tally.counts;
    json!({
        "ok": failed.is_none(), "hash": format!("{:016x}", tally.hash),
        "faults": args.faults.name(), "seeds": tally.seeds,
        "took_s": took_s, "seeds_per_s": per_second(tally.seeds, took_s),
        "simulated_s": simulated_s, "speed_up": simulated_s / took_s.max(1e-9),
        "events": tally.events, "counts": counts,
        "failed": failed.map(|(seed, outcome)| json!({
            "seed": seed, "hash": format!("{:016x}", outcome.hash),
            "broken": outcome.broken.as_ref().map(ToString::to_string),
        })),
    })
}

fn show(args: &SimShowArgs, content: &Arc<Content>) -> Result<(), Failure> {
    let whole = Plan::of_seed(args.seed, args.faults.into());
    let plan = if args.whole {
        whole
    } else {
        let shrunk = sim::shrink(&whole, content);
        eprintln!("made smaller in {} runs", shrunk.runs);
        shrunk.plan
    };
    let outcome = sim::run(&plan, content, true);
    let skipped = outcome.lines.len().saturating_sub(args.lines);
    for line in &outcome.lines[skipped..] {
        output::data(&format!("{line}\n"))?;
    }
    let plan = serde_json::to_string_pretty(&plan).unwrap_or_default();
    output::data(&format!("plan {plan}\nhistory {:016x}\n", outcome.hash))?;
    match outcome.broken {
        None => {
            output::data("no promise was broken\n")?;
            Ok(())
        }
        Some(broken) => Err(Failure::Check { what: broken.to_string() }),
    }
}

/// Simulated time of each round in ms, before the end in which everything settles.
const SPEED_MS: u64 = 20_000;

fn speed(args: &SimSpeedArgs, content: &Arc<Content>) -> Result<(), Failure> {
    let mut values = Vec::new();
    for (name, fights) in [("with battles", true), ("without battles", false)] {
        let plan = Plan { fights, ..Plan::of_ten_nodes(1, SPEED_MS) };
        let mut speeds = Vec::new();
        for _ in 0..args.rounds {
            let begun = clock::now();
            let outcome = sim::run(&plan, content, false);
            let took_s = begun.elapsed().as_secs_f64();
            if let Some(broken) = outcome.broken {
                return Err(Failure::Check { what: broken.to_string() });
            }
            speeds.push(seconds(outcome.simulated_us) / took_s.max(1e-9));
        }
        speeds.sort_by(f64::total_cmp);
        let (least, median, most) = (speeds[0], speeds[speeds.len() / 2], speeds[speeds.len() - 1]);
        values.push(json!({ "name": name, "least": least, "median": median, "most": most }));
        if !args.json {
            output::data(&format!(
                "ten nodes, 200 players, {name}: {median:.0} simulated seconds per second \
                 ({least:.0} to {most:.0})\n"
            ))?;
        }
    }
    if args.json {
        output::json(&Value::Array(values))?;
    }
    Ok(())
}

#[cfg(feature = "mutations")]
fn mutations(args: &crate::args::SimMutationsArgs, content: &Arc<Content>) -> Result<(), Failure> {
    use shared::mutation::Mutation;
    // What a bug makes a core say when it panics is told with the rest.
    std::panic::set_hook(Box::new(|_| {}));
    let mut rows = vec![["bug", "seeds", "caught by"].map(String::from).to_vec()];
    let (mut values, mut escaped) = (Vec::new(), Vec::new());
    for mutation in Mutation::ALL {
        let name = format!("{mutation:?}");
        let caught = sim::hunt(mutation, args.seeds, content);
        let seeds = caught.as_ref().map(|caught| caught.seeds);
        let promise = caught.as_ref().map_or("", |caught| caught.broken.promise);
        values.push(json!({ "bug": name, "seeds": seeds, "caught_by": promise }));
        let shown = seeds.map_or_else(|| String::from("-"), |seeds| seeds.to_string());
        rows.push(vec![name.clone(), shown, String::from(promise)]);
        if caught.is_none() {
            escaped.push(name);
        }
    }
    drop(std::panic::take_hook());
    if args.json {
        output::json(&json!({ "ok": escaped.is_empty(), "mutations": values }))?;
    } else {
        output::data(&output::table(&rows))?;
    }
    if escaped.is_empty() {
        return Ok(());
    }
    let what = format!("not caught within {} seeds: {}", args.seeds, escaped.join(", "));
    Err(Failure::Check { what })
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn per_second(count: u64, took_s: f64) -> f64 {
    count as f64 / took_s.max(1e-9)
}
