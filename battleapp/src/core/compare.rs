//! Where two states or two runs of a battle first differ: tick, system, component, entity, field.

use std::collections::BTreeMap;
use std::fmt;

use super::registry::FieldRow;
use super::sim::{BattleSim, Order};

/// A number that two states do not agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the component or resource.
    pub component: &'static str,
    /// Stable id; `None` for a resource.
    pub entity: Option<u32>,
    /// The field's name.
    pub field: &'static str,
    /// The value in the first state; `None` if there is none.
    pub first: Option<i64>,
    /// The value in the second state.
    pub second: Option<i64>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entity) = self.entity {
            write!(f, "entity {entity}, ")?;
        }
        let told = |value: Option<i64>| value.map_or_else(|| "none".into(), |it| it.to_string());
        let (first, second) = (told(self.first), told(self.second));
        write!(f, "{}.{} {first} != {second}", self.component, self.field)
    }
}

/// Where two runs of a battle part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The tick.
    pub tick: u32,
    /// The system of the tick after which they differ.
    pub system: String,
    /// All numbers that differ there, at least one.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tick, system, differences } = self;
        for (n, difference) in differences.iter().enumerate() {
            let line = if n == 0 { "" } else { "\n" };
            write!(f, "{line}tick {tick}, after {system}, {difference}")?;
        }
        Ok(())
    }
}

/// What two states do not agree on, by lane, entity and field.
#[must_use]
pub fn differences(first: &[FieldRow], second: &[FieldRow]) -> Vec<Difference> {
    let mut values: BTreeMap<_, (&'static str, [Option<i64>; 2])> = BTreeMap::new();
    for (which, rows) in [first, second].into_iter().enumerate() {
        for row in rows {
            let key = (row.lane, row.entity, row.field);
            values.entry(key).or_insert((row.component, [None; 2])).1[which] = Some(row.value);
        }
    }
    let differing = values.into_iter().filter(|(_, (_, [first, second]))| first != second);
    differing
        .map(|((_, entity, field), (component, [first, second]))| Difference {
            component,
            entity,
            field,
            first,
            second,
        })
        .collect()
}

/// Lets two battles, one tick each, and says where they part; `None` if they do not.
pub fn part(
    first: (&mut dyn BattleSim, &[Order]),
    second: (&mut dyn BattleSim, &[Order]),
) -> Option<Parting> {
    let traces = [traced(first.0, first.1), traced(second.0, second.1)];
    let tick = first.0.tick();
    let [first, second] = traces;
    first.into_iter().zip(&second).find_map(|((system, one), (_, other))| {
        let differences = differences(&one, other);
        (!differences.is_empty()).then_some(Parting { tick, system, differences })
    })
}

/// Lets a battle one tick, and gives every number of its state after each system, with the
/// system's name.
pub fn traced(sim: &mut dyn BattleSim, orders: &[Order]) -> Vec<(String, Vec<FieldRow>)> {
    let mut systems = Vec::new();
    sim.step_traced(orders, &mut |system, rows| systems.push((system.to_owned(), rows.to_vec())));
    systems
}
