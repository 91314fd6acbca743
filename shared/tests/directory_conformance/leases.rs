//! Nodes that crash or are cut off, numbers that are taken, a server that was away.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use shared::directory::redis::{JoinError, LeaseTimes, RedisDirectory, RedisDirectoryHandle};
use shared::directory::{Directory, DirectoryEvent, NodeState};
use shared::ids::NodeId;
use shared::store::redis::{RedisStore, RedisStoreConfig};
use tempfile::TempDir;

use crate::contract::{BUILD, Watcher, card, id, until};
use crate::servers::{Port, Server};
use crate::subject::times;

const CHILD: &str = "DIRECTORY_CONFORMANCE_CHILD_URL";
const TEST: &str = "leases::a_node_that_crashes_is_gone_when_its_lease_ends";
/// Lease of the node that crashes.
const SHORT: Duration = Duration::from_secs(1);
/// Lease of those who must not lose it on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct World {
    server: Option<Server>,
    port: Port,
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        let mut world =
            Self { server: None, port: Port::reserve(), dir: TempDir::new().expect("a directory") };
        world.start();
        world
    }

    fn start(&mut self) {
        let settings = ["--appendonly", "yes", "--appendfsync", "always"];
        self.server = Some(Server::start(self.dir.path(), &self.port, &settings));
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number())
    }

    fn directory(&self, lease: Duration) -> RedisDirectory {
        RedisDirectory::beside(&store(&self.url()), times(lease))
    }

    fn watcher(&self, node: NodeId, lease: Duration) -> Watcher<RedisDirectoryHandle> {
        Watcher::of(self.directory(lease).join(node, BUILD).expect("joins"))
    }

    fn raw(&self, command: &[&str]) {
        let client = redis::Client::open(self.url()).expect("an address");
        let mut connection = client.get_connection().expect("connects");
        let mut packed = redis::cmd(command[0]);
        command[1..].iter().for_each(|word| {
            packed.arg(word);
        });
        packed.exec(&mut connection).expect("is carried out");
    }
}

fn store(url: &str) -> RedisStore {
    let urls = vec![String::from(url)];
    RedisStore::connect(RedisStoreConfig { urls, ..RedisStoreConfig::default() }).expect("opens")
}

/// A node in a process of its own. Returns when the node is in the directory.
fn child(url: &str) -> Child {
    let program = env::current_exe().expect("this test");
    let mut child = Command::new(program)
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD, url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let mut lines = lines.map(|line| line.expect("reads"));
    assert!(lines.any(|line| line == "announced"), "the child has joined");
    child
}

/// What the process does: joins, announces, and goes on until it is killed.
fn live(url: &str) {
    let directory = RedisDirectory::beside(&store(url), times(SHORT));
    let mut handle = directory.join(id(7, 1), BUILD).expect("joins");
    handle.announce(&card(id(7, 1), NodeState::Ready));
    println!("\nannounced");
    std::io::stdout().flush().expect("the parent listens");
    let mut events = Vec::new();
    until("it is killed", || {
        handle.poll(&mut events);
        false
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a lease is a time")]
fn a_node_that_crashes_is_gone_when_its_lease_ends() {
    if let Ok(url) = env::var(CHILD) {
        return live(&url);
    }
    let world = World::new();
    let mut watcher = world.watcher(id(1, 1), LONG);
    let mut node = child(&world.url());
    let seven = DirectoryEvent::Changed(card(id(7, 1), NodeState::Ready));
    assert_eq!(watcher.until_seen(1), [seven]);
    let killed = Instant::now();
    node.kill().expect("is killed");
    node.wait().expect("ends");
    assert_eq!(watcher.until_seen(1), [DirectoryEvent::Gone(id(7, 1))]);
    let took = killed.elapsed();
    // What is above the lease is for a machine that is busy with other tests.
    assert!(took > SHORT / 2 && took < SHORT * 4, "gone after {took:?}");
}

#[test]
fn a_number_is_taken_until_the_lease_of_its_holder_ends() {
    let world = World::new();
    let held = world.watcher(id(7, 1), LONG);
    let refused = world.directory(SHORT).join(id(7, 2), BUILD).expect_err("is taken");
    assert_eq!(refused, JoinError::NumberTaken { node: id(7, 2), holder: 1 });
    drop(held);
    drop(world.watcher(id(7, 2), LONG));
    // Whoever restarts after a crash gets the number when the old lease is over.
    world.raw(&["HDEL", "{cohort:000}:directory:state", "highest:7"]);
    let mut node = child(&world.url());
    node.kill().expect("is killed");
    node.wait().expect("ends");
    drop(world.directory(LONG).join(id(7, 2), BUILD).expect("after a second"));
}

#[test]
fn an_incarnation_does_not_return() {
    let world = World::new();
    drop(world.watcher(id(7, 5), LONG));
    for spent in [4, 5] {
        let refused = world.directory(LONG).join(id(7, spent), BUILD).expect_err("was there");
        assert_eq!(refused, JoinError::IncarnationSpent { node: id(7, spent) });
    }
    drop(world.watcher(id(7, 6), LONG));
}

#[test]
fn a_build_that_is_too_far_from_the_others_is_refused() {
    let world = World::new();
    let mut old = world.watcher(id(1, 1), LONG);
    old.handle.announce(&card(id(1, 1), NodeState::Ready));
    assert_eq!(old.until_seen(1).len(), 1);
    let directory = world.directory(LONG);
    let refused = directory.join(id(2, 1), "0.6.0").expect_err("is too new");
    assert!(matches!(refused, JoinError::Build(_)), "{refused}");
    drop(directory.join(id(2, 2), "0.5.0").expect("is the next release"));
}

/// Node 7 with a short lease, suspended because the server was killed.
fn suspended(world: &mut World) -> Watcher<RedisDirectoryHandle> {
    let mut node = world.watcher(id(7, 1), SHORT);
    node.handle.announce(&card(id(7, 1), NodeState::Ready));
    assert_eq!(node.until_seen(1).len(), 1);
    world.server = None;
    assert_eq!(node.until_seen(1), [DirectoryEvent::Suspended]);
    node
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a lease is a time")]
fn a_node_is_suspended_while_the_server_is_away_and_goes_on_as_the_same_incarnation() {
    let mut world = World::new();
    let mut node = suspended(&mut world);
    let since = Instant::now();
    until("the lease is long over", || since.elapsed() > SHORT * 3);
    assert!(!node.handle.is_lost());
    world.start();
    assert_eq!(node.until_seen(1), [DirectoryEvent::Resumed]);
    let refused = world.directory(SHORT).join(id(7, 2), BUILD).expect_err("is taken");
    assert_eq!(refused, JoinError::NumberTaken { node: id(7, 2), holder: 1 });
    let there = DirectoryEvent::Changed(card(id(7, 1), NodeState::Ready));
    assert_eq!(world.watcher(id(1, 1), LONG).until_seen(1), [there]);
}

#[test]
fn a_node_is_suspended_while_the_server_does_not_answer() {
    let world = World::new();
    let mut node = world.watcher(id(7, 1), SHORT);
    node.handle.announce(&card(id(7, 1), NodeState::Ready));
    assert_eq!(node.until_seen(1).len(), 1);
    world.raw(&["CLIENT", "PAUSE", "3000"]);
    assert_eq!(node.until_seen(1), [DirectoryEvent::Suspended]);
    assert_eq!(node.until_seen(1), [DirectoryEvent::Resumed]);
}

#[test]
fn a_node_that_was_declared_gone_while_it_was_suspended_is_gone_for_good() {
    let mut world = World::new();
    let mut node = suspended(&mut world);
    // The server is back for everybody but this node.
    let port = std::mem::replace(&mut world.port, Port::reserve());
    world.start();
    let mut other = world.watcher(id(1, 1), LONG);
    let there = DirectoryEvent::Changed(card(id(7, 1), NodeState::Ready));
    assert_eq!(other.until_seen(1), [there]);
    assert_eq!(other.until_seen(1), [DirectoryEvent::Gone(id(7, 1))]);
    world.server = None;
    world.port = port;
    world.start();
    assert_eq!(node.until_seen(1), [DirectoryEvent::Gone(id(7, 1))]);
    assert!(node.handle.is_lost());
    let mut later = Vec::new();
    node.handle.announce(&card(id(7, 1), NodeState::Ready));
    node.handle.poll(&mut later);
    assert_eq!(later, []);
    drop(world.watcher(id(7, 2), LONG));
}

#[test]
fn a_node_does_not_stay_suspended_for_ever() {
    let mut world = World::new();
    let impatient = LeaseTimes { ride_out: SHORT * 3, ..times(SHORT) };
    let directory = RedisDirectory::beside(&store(&world.url()), impatient);
    let mut node = Watcher::of(directory.join(id(7, 1), BUILD).expect("joins"));
    world.server = None;
    let ends = [DirectoryEvent::Suspended, DirectoryEvent::Gone(id(7, 1))];
    assert_eq!(node.until_seen(2), ends);
    world.start();
    assert!(node.handle.is_lost());
}

#[test]
fn a_server_that_restarts_keeps_all_leases() {
    let mut world = World::new();
    let (mut one, mut two) = (world.watcher(id(1, 1), LONG), world.watcher(id(2, 1), LONG));
    one.handle.announce(&card(id(1, 1), NodeState::Starting));
    assert_eq!(two.until_seen(1).len(), 1);
    world.server = None;
    world.start();
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let ready = DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1), [ready]);
    assert!(!one.handle.is_lost() && !two.handle.is_lost());
}

#[test]
fn a_lease_that_is_over_ends_a_node_unless_the_server_itself_was_away() {
    let world = World::new();
    let (mut one, mut two) = (world.watcher(id(1, 1), LONG), world.watcher(id(2, 1), LONG));
    one.handle.announce(&card(id(1, 1), NodeState::Starting));
    assert_eq!(two.until_seen(1).len(), 1);
    // As it looks after an outage: all leases are over, and nobody has renewed for long.
    let over = ["ZADD", "{cohort:000}:directory:leases", "1", "1"];
    let script = "redis.call('ZADD', KEYS[1], 1, 1, 1, 2) redis.call('HSET', KEYS[2], 'last', 1)";
    let (leases, state) = (over[1], "{cohort:000}:directory:state");
    world.raw(&["EVAL", script, "2", leases, state]);
    one.handle.announce(&card(id(1, 1), NodeState::Ready));
    let ready = DirectoryEvent::Changed(card(id(1, 1), NodeState::Ready));
    assert_eq!(two.until_seen(1), [ready], "and not gone");
    // As it looks when one alone did not renew.
    world.raw(&over);
    assert_eq!(two.until_seen(1), [DirectoryEvent::Gone(id(1, 1))]);
    until("it is told", || one.handle.is_lost());
}

#[test]
fn a_node_of_an_emptied_store_is_gone() {
    let world = World::new();
    let mut node = world.watcher(id(7, 1), SHORT);
    world.raw(&["FLUSHALL"]);
    assert_eq!(node.until_seen(1), [DirectoryEvent::Gone(id(7, 1))]);
}
