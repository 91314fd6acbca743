//! Every decoder that bytes from outside reach, without a fuzzer: the corpus in `fuzz/corpus/` and
//! many deterministic mutations of it go through the doorways that the fuzz targets use. Nothing
//! panics, and no input makes a decoder take memory far beyond its own size.
//!
//! `COHORT_CORPUS=1` writes the corpus anew from real values. An input that a fuzzer has found goes
//! there too, under a name that says what it is about.

#[path = "decoders/corpus.rs"]
mod corpus;
#[path = "decoders/mutation.rs"]
mod mutation;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cohort::fuzzing::{Target, all_targets};

use corpus::Corpus;
use mutation::Mutations;

/// Mutations per target. Those of targets whose runs take long are fewer.
const MUTATIONS: usize = 20_000;
const SLOW: [(&str, usize); 4] =
    [("content", 1_500), ("configuration", 6_000), ("replay", 6_000), ("battle_state", 6_000)];
/// Bytes that a decoder may take at once, whatever its input: room for the first entries of lists.
const MEMORY_BYTES: u64 = 8 << 10;
/// The same where something is made first: a battle, the content or the configuration that an
/// input belongs to, a connection's buffer. The client of Redis begins its lists with more room.
const MEMORY_OF: [(&str, u64); 6] = [
    ("content", 512 << 10),
    ("configuration", 128 << 10),
    ("battle_state", 256 << 10),
    ("replay", 256 << 10),
    ("tcp_chunk", 32 << 10),
    ("redis_answer", 512 << 10),
];
/// Bytes of memory for each byte of input: entries are larger than the few bytes they come in.
const MEMORY_PER_BYTE: u64 = 512;

fn run(target: &Target, input: &[u8]) {
    let mut result = Ok(());
    let taken = allocation_counter::measure(|| {
        result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    });
    assert!(result.is_ok(), "{} panics at {}", target.name, hex(input));
    let own = MEMORY_OF.iter().find(|(name, _)| *name == target.name);
    let most = own.map_or(MEMORY_BYTES, |(_, bytes)| *bytes);
    let most = most + MEMORY_PER_BYTE * u64::try_from(input.len()).unwrap_or(u64::MAX);
    let bytes = taken.bytes_max;
    assert!(bytes <= most, "{} takes {bytes} bytes at {}", target.name, hex(input));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// One of `parts` tests, so that they run beside each other.
fn check_mutations(part: usize, parts: usize) {
    for target in all_targets().iter().skip(part).step_by(parts) {
        let corpus = Corpus::read(target);
        let inputs: Vec<_> = corpus.inputs.values().map(Vec::as_slice).collect();
        let slow = SLOW.iter().find(|(name, _)| *name == target.name);
        let count = slow.map_or(MUTATIONS, |(_, count)| *count);
        // What a target makes once is no matter of its inputs.
        (target.run)(&[]);
        for mutation in Mutations::of(target.name, &inputs).take(count) {
            run(target, &mutation);
        }
    }
}

#[test]
fn the_corpus_has_real_values_for_every_target_and_all_of_it_is_read() {
    let mut bytes = 0;
    for target in all_targets() {
        let corpus = Corpus::read(&target);
        if std::env::var_os("COHORT_CORPUS").is_some() {
            corpus.write_seeds();
            continue;
        }
        assert!(corpus.lacks().is_empty(), "{} lacks {:?}", target.name, corpus.lacks());
        for input in corpus.inputs.values() {
            bytes += input.len();
            run(&target, input);
        }
    }
    assert!(bytes < 200 << 10, "the corpus has {bytes} bytes");
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_target() {
    let targets = all_targets();
    for folder in corpus::folders() {
        assert!(targets.iter().any(|target| target.name == folder), "nothing decodes {folder}");
    }
}

#[test]
fn mutations_of_the_first_third_of_the_targets_do_no_harm() {
    check_mutations(0, 3);
}

#[test]
fn mutations_of_the_second_third_of_the_targets_do_no_harm() {
    check_mutations(1, 3);
}

#[test]
fn mutations_of_the_last_third_of_the_targets_do_no_harm() {
    check_mutations(2, 3);
}

#[test]
fn a_panic_and_a_greedy_decoder_are_found() {
    let fails = |run: fn(&[u8])| {
        let target = Target { name: "planted", run, seeds: Vec::new };
        catch_unwind(|| self::run(&target, &[1, 2])).is_err()
    };
    assert!(fails(|bytes| assert!(bytes.is_empty())));
    assert!(fails(|_| drop(std::hint::black_box(vec![0u8; 16 << 10]))));
    assert!(!fails(|bytes| drop(std::hint::black_box(bytes.to_vec()))));
}
