//! Fuzzes `social::fuzzing::guild_roster`, which says what it decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| social::fuzzing::guild_roster(bytes));
