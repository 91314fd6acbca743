//! The real program as a process: exit codes, messages that help, start, status page, end.

#[path = "smoke/audit.rs"]
mod audit;
#[path = "smoke/bench.rs"]
mod bench;
#[path = "smoke/bots.rs"]
mod bots;
#[path = "smoke/errors.rs"]
mod errors;
#[path = "smoke/processes.rs"]
mod processes;
#[path = "smoke/program.rs"]
mod program;
#[path = "smoke/running.rs"]
mod running;
#[path = "../../shared/tests/servers/redis.rs"]
mod servers;
