//! The fuzzer's program: feeds one decoder, which `COHORT_FUZZ_TARGET` names, with inputs that are
//! drawn by how far earlier ones came. `./verify fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

use cohort::fuzzing::{Target, all_targets};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = std::env::var("COHORT_FUZZ_TARGET").unwrap_or_default();
    let targets = all_targets();
    let found = targets.iter().find(|target| target.name == wanted);
    let names = || targets.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    *found.unwrap_or_else(|| panic!("COHORT_FUZZ_TARGET has to be one of: {}", names()))
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
