//! Fuzzes `shared::fuzzing::server_frame`, which says what it decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| shared::fuzzing::server_frame(bytes));
