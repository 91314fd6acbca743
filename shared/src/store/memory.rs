//! A store in memory: for the simulator and for tests of cores.
