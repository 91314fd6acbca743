//! Not yet.
use crate::args::ReplayArgs;
use crate::failure::Failure;
pub fn verify(_: &ReplayArgs) -> Result<(), Failure> { Ok(()) }
pub fn show(_: &ReplayArgs) -> Result<(), Failure> { Ok(()) }
