//! Prints one hash for each mode and seed: the state after a fight that throws everything at it,
//! half of it continued from its encoded state. Every build for every machine prints the same;
//! `./verify hashes` compares some.

use battleapp::core::conformance::{any_orders, any_setup};
use battleapp::core::modes::Modes;

const SEEDS: u64 = 3;
const TICKS: u32 = 400;

fn main() {
    for mode in Modes::BUILTIN.0 {
        for seed in 0..SEEDS {
            let name = mode.name();
            let setup = any_setup(Modes::BUILTIN, name, seed).expect("it takes battles of a size");
            let create = || Modes::BUILTIN.create(&setup).expect("the setup was checked");
            let mut sim = create();
            for tick in 0..TICKS {
                if tick == TICKS / 2 {
                    let mut state = Vec::new();
                    sim.encode(&mut state);
                    sim = create();
                    sim.decode(&state).expect("it was just encoded");
                }
                sim.step(&any_orders(seed, tick, setup.seats.len()));
            }
            println!("{name} seed {seed}: {:016x} after {TICKS} ticks", sim.hash());
        }
    }
}
