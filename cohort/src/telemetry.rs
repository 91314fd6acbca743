//! Logs to stderr. Never tokens, secrets or chat.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};
use crate::failure::Failure;

/// Starts logging for the rest of the process; a second call changes nothing.
///
/// # Errors
/// [`Failure::LogFilter`] if the filter is not understood.
pub fn start(config: &LogConfig) -> Result<(), Failure> {
    let filter = EnvFilter::builder().parse(&config.filter).map_err(|error| {
        Failure::LogFilter { filter: config.filter.clone(), message: error.to_string() }
    })?;
    let lines = fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colour_on_stderr());
    let started = match config.format {
        LogFormat::Text => lines.with_target(false).compact().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}

/// Colour is for terminals, and only if nobody objects (<https://no-color.org>).
fn colour_on_stderr() -> bool {
    let objection = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !objection && stderr().is_terminal()
}
