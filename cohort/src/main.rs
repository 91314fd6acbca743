//! The program `cohort`: arguments, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

/// Frames are allocated by the thread that reads them and freed by the one that handles them.
/// This allocator lets both go on without a lock between them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = cohort::args::Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(cohort::run(arguments)),
        Err(error) => Err(cohort::failure::Failure::Node { what: error.to_string() }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
