//! What `doctor` asks the machine: network, limits, cores, clocks.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, UNIX_EPOCH};

use shared::limits::DATAGRAM_BYTES_MAX;

use super::Finding;
use crate::clock;

/// Fewer file descriptors than this are soon used up by the store, replays and the status page.
const FILES_MIN: u64 = 1_024;
/// With fewer cores, roles wait for each other under load.
const CORES_MIN: usize = 2;
/// Waits measured.
const WAITS: u32 = 40;
/// Length of each.
const WAIT: Duration = Duration::from_millis(2);
/// Waking later than this makes fixed ticks uneven.
const LATE_MAX: Duration = Duration::from_millis(3);
/// 2024-01-01: a clock before this is not set.
const WALL_CLOCK_MIN: Duration = Duration::from_secs(1_704_067_200);

/// Sends the largest datagram to ourselves.
pub(super) fn udp_loopback() -> Finding {
    let exchange = || -> std::io::Result<usize> {
        let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        receiver.set_read_timeout(Some(Duration::from_secs(1)))?;
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        sender.send_to(&[7; DATAGRAM_BYTES_MAX], receiver.local_addr()?)?;
        receiver.recv(&mut [0; 2 * DATAGRAM_BYTES_MAX])
    };
    let remedy = "QUIC needs UDP: look at firewall rules for the loopback interface";
    match exchange() {
        Ok(DATAGRAM_BYTES_MAX) => {
            Finding::ok("udp", format!("{DATAGRAM_BYTES_MAX} bytes go through loopback"))
        }
        Ok(bytes) => Finding::fail("udp", format!("only {bytes} bytes arrived"), remedy),
        Err(error) => Finding::fail("udp", format!("loopback does not work: {error}"), remedy),
    }
}

/// How many files may be open.
pub(super) fn file_descriptors() -> Finding {
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else {
        return Finding::ok("files", "the limit of open files is not known on this system");
    };
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or("unknown");
    match soft.parse::<u64>() {
        Ok(files) if files < FILES_MIN => {
            let remedy = format!("raise it: ulimit -n {}", 16 * FILES_MIN);
            Finding::warn("files", format!("only {files} files may be open"), remedy)
        }
        Ok(files) => Finding::ok("files", format!("{files} files may be open")),
        Err(_) => Finding::ok("files", format!("limit of open files: {soft}")),
    }
}

/// How many threads can run at once.
pub(super) fn cores() -> Finding {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() < CORES_MIN => Finding::warn(
            "cores",
            format!("{cores} core"),
            "five roles share it; expect late ticks under load",
        ),
        Ok(cores) => Finding::ok("cores", format!("{cores} cores")),
        Err(error) => Finding::warn("cores", format!("unknown: {error}"), ""),
    }
}

/// How late a short wait ends.
pub(super) fn waiting() -> Finding {
    let mut worst = Duration::ZERO;
    for _ in 0..WAITS {
        let begun = clock::now();
        while begun.elapsed() < WAIT {
            std::thread::park_timeout(WAIT.saturating_sub(begun.elapsed()));
        }
        worst = worst.max(begun.elapsed().saturating_sub(WAIT));
    }
    let found =
        format!("a wait of {} ms ends at most {} us late", WAIT.as_millis(), worst.as_micros());
    if worst > LATE_MAX {
        let remedy = "the machine is busy or throttled; ticks will come unevenly while it is";
        return Finding::warn("timer", found, remedy);
    }
    Finding::ok("timer", found)
}

/// Whether the wall clock is set.
pub(super) fn wall_clock() -> Finding {
    let since = clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    if since < WALL_CLOCK_MIN {
        let remedy = "set it: certificates made here would not be valid elsewhere";
        return Finding::warn("clock", "the wall clock is not set", remedy);
    }
    Finding::ok("clock", "set; nothing is decided by it")
}
