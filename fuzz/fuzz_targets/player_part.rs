//! Fuzzes `baseapp::fuzzing::player_part`, which says what it decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| baseapp::fuzzing::player_part(bytes));
