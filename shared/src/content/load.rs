//! Placeholder.
use thiserror::Error;
/// Why content was not accepted.
#[derive(Debug, Error)]
#[error("content")]
pub struct ContentError;
