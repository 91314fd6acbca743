//! One file per subcommand.

pub mod audit;
pub mod bench;
pub mod bots;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod flight;
pub mod node;
pub mod replay;
pub mod sim;
pub mod status;
pub mod up;
