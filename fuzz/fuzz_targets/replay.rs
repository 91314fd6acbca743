//! Fuzzes `battleapp::fuzzing::replay`, which says what it decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| battleapp::fuzzing::replay(bytes));
