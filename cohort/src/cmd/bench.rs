//! `cohort bench`: parts of Cohort beside raw yardsticks, in the same run.

mod recording;

use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cohort_bench::figure::HEADINGS;
use cohort_bench::{BenchError, Figure, Harness, Progress, battle, mq, store};

use crate::args::{BenchArgs, BenchCommand};
use crate::failure::Failure;
use crate::output;
use crate::stop::StopSignals;

/// Measures one back-end.
type Measure =
    Box<dyn Fn(&mut Harness<'_>, &Path) -> Result<Vec<Figure>, BenchError> + Send + 'static>;

/// Measures what is asked for and prints a line per figure. A goal that is missed is told, and is
/// no failure: how busy the machine is decides as much as the program.
///
/// # Errors
/// [`Failure::Check`] if a back-end could not be measured; the figures of the others are printed.
pub async fn run(command: BenchCommand) -> Result<(), Failure> {
    let (parts, how) = parts_of(command);
    let stop = Arc::new(AtomicBool::new(false));
    let json = how.json;
    let mut measuring = tokio::task::spawn_blocking({
        let stop = Arc::clone(&stop);
        move || measure_all(&parts, &how, &stop)
    });
    let mut signals =
        StopSignals::listen().map_err(|error| Failure::Node { what: error.to_string() })?;
    let measured = tokio::select! {
        measured = &mut measuring => measured,
        _ = signals.next() => {
            stop.store(true, Ordering::Relaxed);
            eprintln!("stopping after this step");
            measuring.await
        }
    };
    let measured = measured.map_err(|error| Failure::Check { what: error.to_string() })?;
    print(&measured.figures, json)?;
    match measured.failures[..] {
        [] => Ok(()),
        _ => Err(Failure::Check { what: measured.failures.join("\n") }),
    }
}

fn parts_of(command: BenchCommand) -> (Vec<(&'static str, Measure)>, BenchArgs) {
    match command {
        BenchCommand::Mq(args) => {
            let part = |backend: mq::Backend| -> (_, Measure) {
                (backend.name(), Box::new(move |harness, dir| mq::measure(backend, harness, dir)))
            };
            (wanted(args.backends, &mq::Backend::ALL).map(part).collect(), args.how)
        }
        BenchCommand::Store(args) => {
            let part = |backend: store::Backend| -> (_, Measure) {
                let measure = move |harness: &mut Harness<'_>, dir: &Path| {
                    store::measure(backend, harness, dir)
                };
                (backend.name(), Box::new(measure))
            };
            (wanted(args.backends, &store::Backend::ALL).map(part).collect(), args.how)
        }
        BenchCommand::Battle(args) => {
            let part = |part: battle::Part| -> (_, Measure) {
                (part.name(), Box::new(move |harness, _| battle::measure(part, harness)))
            };
            (wanted(args.parts, &battle::Part::ALL).map(part).collect(), args.how)
        }
        BenchCommand::Record(how) => {
            let measure: Measure = Box::new(recording::measure);
            (vec![("record", measure)], how)
        }
    }
}

/// What was asked for, or everything.
fn wanted<P: Copy>(asked: Vec<P>, all: &[P]) -> std::vec::IntoIter<P> {
    let wanted = if asked.is_empty() { all.to_vec() } else { asked };
    wanted.into_iter()
}

#[derive(Default)]
struct Measured {
    figures: Vec<Figure>,
    /// Why back-ends could not be measured, a line each.
    failures: Vec<String>,
}

fn measure_all(parts: &[(&str, Measure)], how: &BenchArgs, stop: &AtomicBool) -> Measured {
    let dir = how.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut watch = tell;
    let mut harness = Harness::new(how.rounds, how.quick, stop, &mut watch);
    let mut measured = Measured::default();
    for (name, measure) in parts {
        match measure(&mut harness, &dir) {
            Ok(figures) => measured.figures.extend(figures),
            Err(BenchError::Stopped) => {
                measured.failures.push(format!("{name}: {}", BenchError::Stopped));
                break;
            }
            Err(error) => measured.failures.push(format!("{name}: {error}")),
        }
    }
    clear();
    measured
}

fn print(figures: &[Figure], json: bool) -> Result<(), Failure> {
    if json {
        let value = serde_json::to_value(figures)
            .map_err(|error| Failure::Check { what: error.to_string() })?;
        return output::json(&value);
    }
    if figures.is_empty() {
        return Ok(());
    }
    let head = HEADINGS.map(String::from).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(figures.iter().map(Figure::row)).collect();
    output::data(&output::table(&rows))
}

/// Shows on a terminal how far a measurement is.
fn tell(progress: &Progress<'_>) {
    if !stderr().is_terminal() {
        return;
    }
    let Progress { what, round, rounds, left } = progress;
    let left = left.map(|left| format!(", {:.0} s left", left.as_secs_f64())).unwrap_or_default();
    // Progress that cannot be shown is no reason to stop.
    let _ = write!(stderr(), "\r\x1b[K{what}: round {round} of {rounds}{left}");
}

fn clear() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}
