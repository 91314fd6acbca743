//! `cohort sim`: a whole cluster in one thread from one seed.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;

use serde_json::{Value, json};
use shared::content::Content;
use sim_tests::sim::plan::{Plan, Weather};
use sim_tests::sim::{self, Broken, Campaign, Outcome, Story, Tally};

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
    let weather = Weather::from(args.faults);
    let mut campaign = Campaign::new(weather, Arc::clone(content));
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
    let failed = failed.and_then(|(seed, outcome)| Some((seed, outcome.broken?)));
    verdict(weather, tally.seeds, &missing, failed)
}

/// What a campaign has proven.
fn verdict(
    weather: Weather,
    seeds: u64,
    missing: &[String],
    failed: Option<(u64, Broken)>,
) -> Result<(), Failure> {
    if let Some((seed, broken)) = failed {
        let again = sim::show_command(seed, weather);
        return Err(Failure::Check { what: format!("seed {seed}: {broken}\n  see it: {again}") });
    }
    if seeds >= SEEDS_FOR_EVERYTHING && !missing.is_empty() {
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
        "faults": Weather::from(args.faults).name(), "seeds": tally.seeds,
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
    let story = sim::story(args.seed, args.faults.into(), args.whole, content);
    if !args.whole {
        eprintln!("made smaller in {} runs", story.runs);
    }
    output::data(&told(&story, args.lines))?;
    match story.outcome.broken {
        None => Ok(()),
        Some(broken) => Err(Failure::Check { what: broken.to_string() }),
    }
}

/// The end of the history, the plan that leads to it, and how to see it again.
fn told(story: &Story, lines: usize) -> String {
    let Story { plan, outcome, again, .. } = story;
    let skipped = outcome.lines.len().saturating_sub(lines);
    let mut text: String =
        outcome.lines[skipped..].iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let plan = serde_json::to_string_pretty(plan).unwrap_or_default();
    text += &format!("plan {plan}\nhistory {:016x}\nagain: {again}\n", outcome.hash);
    if outcome.broken.is_none() {
        text += "no promise was broken\n";
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::EXIT_CHECK;

    fn broken() -> Broken {
        Broken { promise: "battles go on", what: String::from("client 3: silent") }
    }

    #[test]
    fn the_first_seed_that_fails_ends_with_exit_code_1_and_the_command_that_shows_it() {
        let failed = Some((4711, broken()));
        let failure = verdict(Weather::Harsh, 3, &[], failed).unwrap_err();
        assert_eq!(failure.code(), EXIT_CHECK);
        let text = failure.to_string();
        assert!(text.contains("seed 4711: battles go on: client 3: silent"), "{text}");
        assert!(text.contains("cohort sim show 4711 --faults harsh"), "{text}");
    }

    #[test]
    fn what_never_occurred_fails_a_campaign_of_many_seeds_only() {
        let missing = [String::from("fault: crash")];
        assert!(verdict(Weather::Rough, SEEDS_FOR_EVERYTHING - 1, &missing, None).is_ok());
        let failure = verdict(Weather::Rough, SEEDS_FOR_EVERYTHING, &missing, None).unwrap_err();
        assert!(failure.to_string().contains("fault: crash"), "{failure}");
        assert!(verdict(Weather::Rough, SEEDS_FOR_EVERYTHING, &[], None).is_ok());
    }

    #[test]
    fn what_is_shown_ends_with_the_failure_its_plan_and_the_command() {
        let lines = ["1 first", "2 second", "3 BROKEN battles go on"].map(String::from).to_vec();
        let outcome = Outcome {
            hash: 0xABC,
            events: 3,
            simulated_us: 3,
            broken: Some(broken()),
            audited: None,
            counts: BTreeMap::new(),
            lines,
        };
        let plan = Plan::of_seed(4711, Weather::Harsh);
        let again = sim::show_command(4711, Weather::Harsh);
        let story = Story { plan, runs: 1, outcome, again };
        let text = told(&story, 2);
        assert!(text.starts_with("2 second\n3 BROKEN battles go on\nplan {"), "{text}");
        assert!(text.contains("\"seed\": 4711"), "{text}");
        let end = "history 0000000000000abc\nagain: cohort sim show 4711 --faults harsh\n";
        assert!(text.ends_with(end), "{text}");
    }
}
