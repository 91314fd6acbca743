//! What `doctor` asks about the place where a node would run: data directory, store, ports.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use shared::store::redis::{Holds, RedisStore};

use super::Finding;
use crate::clock;
use crate::cluster;
use crate::cmd::status;
use crate::config::Config;
use crate::config::backends::StoreKind;

/// Flushes measured.
const FLUSHES: u32 = 20;
/// Bytes written before each.
const FLUSH_BYTES: usize = 4 << 10;
/// A slower flush is felt by players with every change.
const FLUSH_SLOW: Duration = Duration::from_millis(20);
/// No disk flushes faster than this; memory does.
const FLUSH_UNBELIEVABLE: Duration = Duration::from_micros(15);

/// The cohort node that answers at the configured port.
pub(super) struct Answering {
    node: String,
    build: String,
}

/// Asks who answers at the configured port.
pub(super) async fn who_answers(config: &Config) -> Option<Answering> {
    let address = cluster::http_address(config);
    let status = status::fetch(&format!("http://{address}")).await.ok()?;
    let said = |name: &str| status[name].as_str().unwrap_or("?").to_owned();
    Some(Answering { node: said("node"), build: said("build") })
}

/// Whether files can be made in the data directory.
pub(super) fn data_dir(config: &Config) -> Finding {
    let dir = &config.node.data_dir;
    let shown = dir.display();
    match probe(dir, |_| Ok(())) {
        Ok(()) => Finding::ok("data", format!("{shown} can be written")),
        Err(error) => Finding::fail(
            "data",
            format!("{shown} cannot be written: {error}"),
            "choose another directory with --data, or mend its rights",
        ),
    }
}

/// How long the disk takes to make something durable.
pub(super) fn flush(config: &Config) -> Finding {
    let mut times = Vec::new();
    let measured = probe(&config.node.data_dir, |file| {
        for _ in 0..FLUSHES {
            let begun = clock::now();
            file.write_all(&[7; FLUSH_BYTES])?;
            file.sync_data()?;
            times.push(begun.elapsed());
        }
        Ok(())
    });
    times.sort_unstable();
    let (Ok(()), Some(worst)) = (measured, times.last()) else {
        return Finding::warn("flush", "not measured: the data directory cannot be written", "");
    };
    let median = times[times.len() / 2];
    let found = format!(
        "{} us, at worst {} us: every change waits for one of these before it is confirmed",
        median.as_micros(),
        worst.as_micros()
    );
    if median > FLUSH_SLOW {
        return Finding::warn("flush", found, "put --data on a faster disk");
    }
    if median < FLUSH_UNBELIEVABLE {
        let remedy = "no disk is this fast: kill -9 loses nothing, a power failure may";
        return Finding::warn("flush", found, remedy);
    }
    Finding::ok("flush", found)
}

/// What the store promises.
pub(super) fn store(config: &Config, answering: Option<&Answering>) -> Vec<Finding> {
    match config.store.kind {
        StoreKind::Embedded => vec![embedded_store(config, answering)],
        StoreKind::Redis | StoreKind::RedisCluster => redis_store(config),
    }
}

/// What the settings of the Redis servers promise.
fn redis_store(config: &Config) -> Vec<Finding> {
    let remedy = "see docs/redis.md for what each setting promises";
    let examined = cluster::redis_store(config)
        .map_err(|failure| failure.to_string())
        .and_then(|redis| RedisStore::examine(&redis).map_err(|error| error.to_string()));
    let findings = match examined {
        Ok(findings) => findings,
        Err(what) => return vec![Finding::fail("store", what, "start it, or set store.urls")],
    };
    let told = findings.into_iter().map(|finding| {
        let found = format!("{}: {}", finding.server, finding.what);
        match finding.holds {
            Holds::Yes => Finding::ok("store", found),
            Holds::Partly | Holds::Unknown => Finding::warn("store", found, remedy),
            Holds::No if config.store.production => Finding::fail("store", found, remedy),
            Holds::No => Finding::warn("store", found, remedy),
        }
    });
    told.collect()
}

/// Whether the store in the data directory opens.
fn embedded_store(config: &Config, answering: Option<&Answering>) -> Finding {
    let dir = &config.node.data_dir;
    if let Some(Answering { node, .. }) = answering {
        return Finding::ok("store", format!("not opened: node {node} is running"));
    }
    if !dir.exists() {
        return Finding::ok("store", "it is made at the first start");
    }
    match cluster::open_embedded(config) {
        Ok(_store) => Finding::ok("store", format!("the store in {} opens", dir.display())),
        Err(failure) => Finding::fail("store", failure.to_string(), ""),
    }
}

/// Whether the status page's port is free.
pub(super) fn tcp_port(config: &Config, answering: Option<&Answering>) -> Finding {
    let address = cluster::http_address(config);
    let tried = TcpListener::bind(address).map(drop);
    port("TCP port", address, tried, answering)
}

/// Whether the port for clients is free.
pub(super) fn udp_port(config: &Config, answering: Option<&Answering>) -> Finding {
    let address = cluster::quic_address(config);
    let tried = UdpSocket::bind(address).map(drop);
    port("UDP port", address, tried, answering)
}

fn port(
    check: &'static str,
    address: SocketAddr,
    tried: io::Result<()>,
    answering: Option<&Answering>,
) -> Finding {
    match (tried, answering) {
        (Ok(()), _) if address.port() == 0 => Finding::ok(check, "a free one is taken"),
        (Ok(()), _) => Finding::ok(check, format!("{address} is free")),
        (Err(error), Some(Answering { node, build })) if error.kind() == ErrorKind::AddrInUse => {
            Finding::ok(check, format!("{address}: node {node} of build {build} is running there"))
        }
        (Err(error), _) => Finding::fail(
            check,
            format!("{address} cannot be used: {error}"),
            "take another one with --port, or --port 0 for a free one",
        ),
    }
}

/// Makes a file in `dir` (made if it is not there), lets `with` use it, and removes both again.
fn probe(dir: &Path, with: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let is_new = !dir.exists();
    fs::create_dir_all(dir)?;
    let path = dir.join(format!("doctor-{}.tmp", std::process::id()));
    let done = fs::File::create(&path).and_then(|mut file| with(&mut file));
    let removed = fs::remove_file(&path);
    if is_new {
        fs::remove_dir(dir)?;
    }
    done.and(removed)
}
