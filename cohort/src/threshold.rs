//! Conditions that decide the exit code of a load run: `reply_p99<60ms`, `errors==0`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longer operators stand before their beginnings.
const OPERATORS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];
/// Units of a limit, in microseconds. A plain number is a count or a ratio.
const UNITS_US: [(&str, f64); 3] = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];

/// A condition on one measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// Name of the value.
    pub name: String,
    comparison: Comparison,
    /// In microseconds if it has a unit, as it stands otherwise.
    limit: f64,
    text: String,
}

/// Text that is no condition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no condition; write for example reply_p99<60ms or errors==0")]
pub struct ThresholdError(String);

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
    /// Whether `value` meets the condition; times are in microseconds.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::AtMost => value <= self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Equal => (value - self.limit).abs() < f64::EPSILON,
            Comparison::Unequal => (value - self.limit).abs() >= f64::EPSILON,
            Comparison::Below => value < self.limit,
            Comparison::Above => value > self.limit,
        }
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let refuse = || ThresholdError(text.to_owned());
        let found = OPERATORS.iter().find_map(|(operator, comparison)| {
            text.split_once(operator).map(|(name, limit)| (name.trim(), *comparison, limit.trim()))
        });
        let (name, comparison, limit) = found.ok_or_else(refuse)?;
        let unit = UNITS_US.iter().find_map(|(unit, us)| Some((limit.strip_suffix(unit)?, us)));
        let (number, us) = unit.unwrap_or((limit, &1.0));
        let number: f64 = number.trim().parse().map_err(|_| refuse())?;
        if name.is_empty() || !number.is_finite() {
            return Err(refuse());
        }
        let limit = number * us;
        Ok(Self { name: name.to_owned(), comparison, limit, text: text.to_owned() })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, holds: &[f64], fails: &[f64]) {
        let threshold: Threshold = text.parse().unwrap();
        holds.iter().for_each(|value| assert!(threshold.holds(*value), "{value} {text}"));
        fails.iter().for_each(|value| assert!(!threshold.holds(*value), "{value} {text}"));
    }

    #[test]
    fn a_limit_with_a_unit_is_a_time_and_without_one_a_number() {
        check("reply_p99<60ms", &[0.0, 59_999.0], &[60_000.0]);
        check("reply_p99 <= 250us", &[250.0], &[251.0]);
        check("match_p50>1.5s", &[1_500_001.0], &[1_500_000.0]);
        check("errors==0", &[0.0], &[1.0]);
        check("battles_finished>=1", &[1.0, 2.0], &[0.0]);
        check("logins != 0", &[1.0], &[0.0]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "errors", "errors=0", "<5", "reply_p99<", "reply_p99<fast", "a<NaN"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
