//! `cohort completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::Failure;
use crate::output;

/// Prints the completions for a shell.
///
/// # Errors
/// [`Failure::Output`]
pub fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "cohort", &mut script);
    output::data(&String::from_utf8_lossy(&script))
}
