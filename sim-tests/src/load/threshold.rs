//! Conditions on a report that decide the exit code: `reply_p99<60ms`, `errors==0`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::report::LoadReport;

/// What can be compared with a time.
const TIMES: [&str; 4] = ["reply_p50", "reply_p90", "reply_p99", "reply_max"];
/// What can be compared with a number.
const NUMBERS: [&str; 9] = [
    "players",
    "logins",
    "requests",
    "snapshots_per_s",
    "bytes_per_client_s",
    "battles_finished",
    "gifts_sent",
    "gifts_claimed",
    "errors",
];
/// Longer operators stand before their beginnings.
const OPERATORS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];
/// Units of a time in milliseconds.
const UNITS_MS: [(&str, f64); 3] = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];

/// A condition on one number of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    name: String,
    comparison: Comparison,
    /// Milliseconds for a time.
    limit: f64,
    text: String,
}

/// Text that is no condition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is no condition: {reason}. {}", allowed())]
pub struct ThresholdError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtMost,
    AtLeast,
    Equal,
    Unequal,
    Below,
    Above,
}

impl Threshold {
    /// Whether the report meets the condition.
    #[must_use]
    pub fn holds(&self, report: &LoadReport) -> bool {
        let value = measured(report, &self.name);
        let equal = (value - self.limit).abs() < 1e-9;
        match self.comparison {
            Comparison::AtMost => value <= self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Equal => equal,
            Comparison::Unequal => !equal,
            Comparison::Below => value < self.limit,
            Comparison::Above => value > self.limit,
        }
    }

    /// What was measured, as text with a unit.
    #[must_use]
    pub fn measured(&self, report: &LoadReport) -> String {
        let value = measured(report, &self.name);
        let unit = if TIMES.contains(&self.name.as_str()) { "ms" } else { "" };
        format!("{value}{unit}")
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let refuse = |reason| ThresholdError { text: text.to_owned(), reason };
        let found = OPERATORS.iter().find_map(|(operator, comparison)| {
            let (name, limit) = text.split_once(operator)?;
            Some((name.trim(), *comparison, limit.trim()))
        });
        let (name, comparison, limit) =
            found.ok_or_else(|| refuse("it has none of the comparisons"))?;
        let limit = if TIMES.contains(&name) {
            time_ms(limit).ok_or_else(|| refuse("a time needs a number and a unit"))?
        } else if NUMBERS.contains(&name) {
            number(limit).ok_or_else(|| refuse("this value needs a number without a unit"))?
        } else {
            return Err(refuse("there is no such value"));
        };
        Ok(Self { name: name.to_owned(), comparison, limit, text: text.trim().to_owned() })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn measured(report: &LoadReport, name: &str) -> f64 {
    match name {
        "reply_p50" => report.reply_ms.p50,
        "reply_p90" => report.reply_ms.p90,
        "reply_p99" => report.reply_ms.p99,
        "reply_max" => report.reply_ms.max,
        "players" => f64::from(report.players),
        "logins" => float(report.logins),
        "requests" => float(report.requests),
        "snapshots_per_s" => report.snapshots_per_s,
        "bytes_per_client_s" => report.bytes_per_client_s,
        "battles_finished" => float(report.battles_finished),
        "gifts_sent" => float(report.gifts_sent),
        "gifts_claimed" => float(report.gifts_claimed),
        "errors" => float(report.errors),
        // Names are checked when a threshold is read; a value that cannot be had meets nothing.
        _ => f64::NAN,
    }
}

/// A count as a float; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^53")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

fn time_ms(text: &str) -> Option<f64> {
    let (number_text, ms) =
        UNITS_MS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)))?;
    Some(number(number_text.trim())? * ms)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn allowed() -> String {
    let operators = OPERATORS.map(|(operator, _)| operator).join(" ");
    let units = UNITS_MS.map(|(unit, _)| unit).join(", ");
    format!(
        "Write NAME COMPARISON LIMIT, for example 'reply_p99<60ms' or 'errors==0'. \
         Comparisons: {operators}. Times ({units}): {}. Numbers: {}.",
        TIMES.join(", "),
        NUMBERS.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::report::ReplyTimes;

    fn report() -> LoadReport {
        LoadReport {
            reply_ms: ReplyTimes { p50: 1.0, p90: 20.0, p99: 59.999, max: 1500.0 },
            errors: 0,
            battles_finished: 3,
            snapshots_per_s: 100.5,
            ..LoadReport::default()
        }
    }

    fn check(text: &str, holds: bool) {
        let threshold: Threshold = text.parse().expect("it is a condition");
        assert_eq!(threshold.holds(&report()), holds, "{text}");
        assert_eq!(threshold.to_string(), text.trim());
    }

    #[test]
    fn every_comparison_decides_as_it_reads() {
        check("reply_p99<60ms", true);
        check("reply_p99 < 59.999ms", false);
        check("reply_p99<=59999us", true);
        check("reply_max<1.5s", false);
        check("reply_max<=1.5s", true);
        check("errors==0", true);
        check("errors!=0", false);
        check("battles_finished>=3", true);
        check("battles_finished>3", false);
        check("snapshots_per_s>100", true);
        check("gifts_sent == 0", true);
    }

    #[test]
    fn every_name_that_is_allowed_is_measured() {
        for name in TIMES.iter().chain(&NUMBERS) {
            assert!(!measured(&report(), name).is_nan(), "{name}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_all_that_is_allowed() {
        let wrong =
            ["", "errors", "errors=0", "<5", "reply_p99<60", "reply_p99<fast", "errors<5ms"];
        for text in wrong.into_iter().chain(["logins>NaN", "speed>1", "errors<-1"]) {
            let error = text.parse::<Threshold>().expect_err(text).to_string();
            for part in ["reply_p99", "battles_finished", "<=", "us, ms, s"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
