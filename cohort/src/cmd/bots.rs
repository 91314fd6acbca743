//! Not yet.
use crate::args::BotsArgs;
use crate::failure::Failure;
pub async fn run(_: &BotsArgs) -> Result<(), Failure> {
    Ok(())
}
