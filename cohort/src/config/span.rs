//! Spans of time as people write them: `250ms`, `90s`, `5m`, `2h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

const UNITS_MS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A span of time in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// Text that is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no span of time; write a number and ms, s, m or h, for example 90s")]
pub struct SpanError(String);

impl Span {
    /// A span of `seconds`.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The span as the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let refuse = || SpanError(text.to_owned());
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| refuse())?;
        let unit_ms = UNITS_MS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(refuse)?.1;
        let ms = number.checked_mul(unit_ms).ok_or_else(refuse)?;
        Ok(Self(Duration::from_millis(ms)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let whole = |unit_ms: u64| ms > 0 && ms.is_multiple_of(u128::from(unit_ms));
        let (name, unit_ms) =
            UNITS_MS.iter().rev().find(|(_, unit_ms)| whole(*unit_ms)).unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", ms / u128::from(*unit_ms))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_shown_again_in_the_largest_whole_unit() {
        for (text, shown) in [("90s", "90s"), ("60s", "1m"), ("250ms", "250ms"), ("0s", "0s")] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "90", "s", "1.5s", "-1s", "9 parsecs", "99999999999999999999s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert!(format!("{}ms", u64::MAX).parse::<Span>().is_ok());
        assert!(format!("{}h", u64::MAX).parse::<Span>().is_err());
    }
}
