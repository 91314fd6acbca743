//! The battleapp: runs battles, one World each, from the matchmaker's `Start` to the durable
//! result, and records every battle so that it can be run again and compared.
//!
//! It never trusts an input, never lets the order of arrival reach a simulation, and never says
//! that a battle has ended before its result is stored. It knows nothing of players beyond the
//! cards that the matchmaker sends along.

pub mod core;
#[doc(hidden)]
#[cfg(feature = "shell")]
pub mod fuzzing;
#[cfg(feature = "shell")]
pub mod workers;

pub use crate::core::app::BattleApp;
pub use crate::core::replay;
