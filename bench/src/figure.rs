//! What is told about one thing that was measured: medians, the ratio, how far rounds lie apart,
//! and the goal.

use std::fmt;

use serde::{Serialize, Serializer};

/// What was measured, round by round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(Vec<f64>);

/// A figure beside its yardstick. Serialized, its fields are the keys of the JSON object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured, and beside what.
    pub name: String,
    /// Median of the product's rounds.
    pub value: f64,
    /// `per_s` and `battles`, where more is better, or `us` and `B_per_s`, where less is.
    pub unit: Unit,
    /// Median of the yardstick's rounds, in the same unit.
    pub yardstick: f64,
    /// Median of value / yardstick of each round.
    pub ratio: f64,
    /// The least and the most that a round gave.
    pub spread: Spread,
    /// What the ratio is to be, if anything was said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// Whether it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// A unit of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many a second.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Bytes a second.
    BytesPerSecond,
    /// Battles at their tick rate.
    Battles,
}

/// The least and the most of each side's rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Of the product.
    pub value: [f64; 2],
    /// Of the yardstick.
    pub yardstick: [f64; 2],
    /// Of their ratio.
    pub ratio: [f64; 2],
}

/// What a ratio is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// So much, or more.
    AtLeast(f64),
    /// So much, or less.
    AtMost(f64),
}

impl Series {
    /// The values of all rounds.
    #[must_use]
    pub const fn new(rounds: Vec<f64>) -> Self {
        Self(rounds)
    }

    /// Round by round, all of them together.
    #[must_use]
    pub fn sum(all: &[Self]) -> Self {
        let rounds = all.iter().map(|series| series.0.len()).min().unwrap_or(0);
        Self((0..rounds).map(|round| all.iter().map(|series| series.0[round]).sum()).collect())
    }

    /// Adds a round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle one; of an even number, the mean of the two in the middle. Zero without rounds.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let lower = sorted.len().checked_sub(1).and_then(|last| sorted.get(last / 2));
        f64::midpoint(upper, lower.copied().unwrap_or_default())
    }

    /// The least and the most.
    #[must_use]
    pub fn range(&self) -> [f64; 2] {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [least, most]
    }

    /// Round by round, what `of` says of it.
    #[must_use]
    pub fn each(&self, of: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().map(|value| of(*value)).collect())
    }

    /// Round by round, this through `other`.
    #[must_use]
    pub fn through(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(value, other)| value / other).collect())
    }
}

impl Figure {
    /// The figure of a product's rounds beside its yardstick's.
    #[must_use]
    pub fn new(name: String, unit: Unit, product: &Series, yardstick: &Series) -> Self {
        let ratios = product.through(yardstick);
        let [value_range, yardstick_range] = [product, yardstick].map(Series::range);
        let ratio_range = ratios.range();
        Self {
            name,
            value: product.median(),
            unit,
            yardstick: yardstick.median(),
            ratio: ratios.median(),
            spread: Spread { value: value_range, yardstick: yardstick_range, ratio: ratio_range },
            goal: None,
            met: None,
        }
    }

    /// With what its ratio is to be.
    #[must_use]
    pub fn with_goal(mut self, goal: Goal) -> Self {
        self.met = Some(goal.is_met_by(self.ratio));
        self.goal = Some(goal);
        self
    }

    /// Its line of the table; [`HEADINGS`] stand over it.
    #[must_use]
    pub fn row(&self) -> Vec<String> {
        let [least, most] = self.spread.ratio;
        let goal = match (self.goal, self.met) {
            (Some(goal), Some(true)) => format!("{goal} met"),
            (Some(goal), _) => format!("{goal} MISSED"),
            (None, _) => String::new(),
        };
        vec![
            self.name.clone(),
            number(self.value),
            self.unit.to_string(),
            number(self.yardstick),
            format!("{:.2}", self.ratio),
            format!("{least:.2}..{most:.2}"),
            goal,
        ]
    }
}

/// What stands over the columns of a table of figures.
pub const HEADINGS: [&str; 7] = ["name", "value", "unit", "yardstick", "ratio", "spread", "goal"];

impl Goal {
    /// Whether `ratio` is good enough.
    #[must_use]
    pub fn is_met_by(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bound) => ratio >= bound,
            Self::AtMost(bound) => ratio <= bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">={bound:.2}"),
            Self::AtMost(bound) => write!(f, "<={bound:.2}"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerSecond => "per_s",
            Self::Micros => "us",
            Self::BytesPerSecond => "B_per_s",
            Self::Battles => "battles",
        })
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Four digits that count are enough for a figure that varies by a tenth.
fn number(value: f64) -> String {
    if value.abs() < 1_000.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(rounds: &[f64]) -> Series {
        Series::new(rounds.to_vec())
    }

    fn figure() -> Figure {
        let (product, yardstick) = (series(&[8.0, 3.0, 10.0]), series(&[4.0, 3.0, 10.0]));
        Figure::new(String::from("reads"), Unit::PerSecond, &product, &yardstick)
    }

    #[test]
    fn the_median_is_the_middle_one_or_the_mean_of_the_two_in_the_middle() {
        assert_eq!(series(&[5.0, 1.0, 3.0]).median(), 3.0);
        assert_eq!(series(&[4.0, 1.0, 9.0, 2.0]).median(), 3.0);
        assert_eq!(series(&[7.0]).median(), 7.0);
        assert_eq!(series(&[]).median(), 0.0);
    }

    #[test]
    fn the_ratio_is_the_median_of_the_ratios_of_rounds_and_the_spread_their_range() {
        let figure = figure();
        assert_eq!((figure.value, figure.yardstick, figure.ratio), (8.0, 4.0, 1.0));
        assert_eq!(figure.spread.value, [3.0, 10.0]);
        assert_eq!(figure.spread.yardstick, [3.0, 10.0]);
        assert_eq!(figure.spread.ratio, [1.0, 2.0]);
    }

    #[test]
    fn a_goal_is_met_on_its_side_of_the_bound() {
        assert!(Goal::AtLeast(0.8).is_met_by(0.8) && !Goal::AtLeast(0.8).is_met_by(0.79));
        assert!(Goal::AtMost(1.5).is_met_by(1.5) && !Goal::AtMost(1.5).is_met_by(1.51));
        assert_eq!(figure().with_goal(Goal::AtLeast(1.0)).met, Some(true));
        assert_eq!(figure().with_goal(Goal::AtMost(0.9)).met, Some(false));
    }

    #[test]
    fn the_keys_of_the_json_object_are_fixed() {
        let keys = |figure: Figure| {
            let value = serde_json::to_value(figure).unwrap();
            value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let usual = ["name", "ratio", "spread", "unit", "value", "yardstick"];
        assert_eq!(keys(figure()), usual);
        let mut judged = [&usual[..], &["goal", "met"]].concat();
        judged.sort_unstable();
        assert_eq!(keys(figure().with_goal(Goal::AtLeast(1.0))), judged);
        let value = serde_json::to_value(figure().with_goal(Goal::AtMost(1.5))).unwrap();
        assert_eq!((&value["goal"], &value["met"]), (&"<=1.50".into(), &true.into()));
        assert_eq!(value["unit"], "per_s");
        assert_eq!(value["spread"]["ratio"], serde_json::json!([1.0, 2.0]));
    }

    #[test]
    fn a_row_has_a_cell_for_every_heading_and_says_whether_the_goal_is_met() {
        let row = figure().with_goal(Goal::AtLeast(2.0)).row();
        let told = ["reads", "8.0", "per_s", "4.0", "1.00", "1.00..2.00", ">=2.00 MISSED"];
        assert_eq!(row, told);
        assert_eq!(row.len(), HEADINGS.len());
    }
}
