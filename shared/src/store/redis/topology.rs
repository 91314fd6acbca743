//! Which server holds which bucket.

use redis::Value;

use super::layout::{BUCKETS, Names};
use super::link::Server;
use super::values::{array, number, text};

/// Servers that are remembered. A cluster that names more is not followed further.
const SERVERS_MAX: usize = 1_024;

/// The owners of all buckets, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    servers: Vec<Server>,
    owners: Vec<Option<usize>>,
    slots: Vec<u16>,
}

impl Topology {
    /// One server for everything.
    pub(super) fn one(server: Server, names: &Names) -> Self {
        let mut topology = Self::unknown(names);
        let index = topology.index_of(server);
        topology.owners.fill(index);
        topology
    }

    /// Nothing is known yet.
    pub(super) fn unknown(names: &Names) -> Self {
        let slots: Vec<_> = (0..BUCKETS).map(|bucket| names.slot(bucket)).collect();
        Self { servers: Vec::new(), owners: vec![None; slots.len()], slots }
    }

    pub(super) fn server(&self, index: usize) -> &Server {
        &self.servers[index]
    }

    /// How many servers are known.
    pub(super) fn servers(&self) -> usize {
        self.servers.len()
    }

    /// The number of a server; nothing if there are too many.
    pub(super) fn index_of(&mut self, server: Server) -> Option<usize> {
        if let Some(index) = self.servers.iter().position(|known| *known == server) {
            return Some(index);
        }
        (self.servers.len() < SERVERS_MAX).then(|| {
            self.servers.push(server);
            self.servers.len() - 1
        })
    }

    /// The owner of a bucket.
    pub(super) fn owner(&self, bucket: u16) -> Option<usize> {
        self.owners[usize::from(bucket)]
    }

    /// Notes that a bucket is at `server`.
    pub(super) fn moved(&mut self, bucket: u16, server: Server) {
        if let Some(index) = self.index_of(server) {
            self.owners[usize::from(bucket)] = Some(index);
        }
    }

    /// Owners of at least one bucket, each once.
    pub(super) fn owners(&self) -> Vec<usize> {
        let mut owners: Vec<_> = self.owners.iter().copied().flatten().collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Whether every bucket has an owner.
    pub(super) fn is_complete(&self) -> bool {
        self.owners.iter().all(Option::is_some)
    }

    /// Takes an answer to `CLUSTER SLOTS` that came from `asked`. A bucket that nobody serves
    /// keeps its last owner, who will say what is the matter.
    pub(super) fn learn(&mut self, answer: Value, asked: &Server) -> Result<(), String> {
        let mut ranges = Vec::new();
        for range in array(answer)? {
            let mut pieces = array(range)?.into_iter();
            let mut next = || pieces.next().unwrap_or(Value::Nil);
            let (first, last) = (number(next())?, number(next())?);
            let mut owner = array(next())?.into_iter();
            let mut next = || owner.next().unwrap_or(Value::Nil);
            let (host, port) = (text(next())?, number(next())?);
            let server = reached_at(&host, port, asked)?;
            if let Some(index) = self.index_of(server) {
                ranges.push((first, last, index));
            }
        }
        for (slot, owner) in self.slots.iter().zip(&mut self.owners) {
            let slot = u64::from(*slot);
            let range = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
            if let Some((_, _, index)) = range {
                *owner = Some(*index);
            }
        }
        Ok(())
    }
}

/// The server that an answer of `asked` names as `SLOT HOST:PORT`.
pub(super) fn redirection(details: &str, asked: &Server) -> Option<Server> {
    let (host, port) = details.split(' ').nth(1)?.rsplit_once(':')?;
    reached_at(host, port.parse().ok()?, asked).ok()
}

/// A server that does not know its own name is reached where the answer came from.
fn reached_at(host: &str, port: u64, asked: &Server) -> Result<Server, String> {
    let port = u16::try_from(port).map_err(|_| format!("there is no port {port}"))?;
    let host = if host.is_empty() || host == "?" { &asked.host } else { host };
    Ok(Server { host: String::from(host), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(port: u16) -> Server {
        Server { host: String::from("127.0.0.1"), port }
    }

    fn range(first: i64, last: i64, host: &str, port: i64) -> Value {
        let host = Value::BulkString(host.into());
        let owner = Value::Array(vec![host, Value::Int(port), Value::BulkString("id".into())]);
        Value::Array(vec![Value::Int(first), Value::Int(last), owner])
    }

    #[test]
    fn buckets_follow_their_slots() {
        let names = Names::new("t").expect("a prefix");
        let mut topology = Topology::unknown(&names);
        let halves = vec![range(0, 8_191, "", 1), range(8_192, 16_383, "127.0.0.1", 2)];
        topology.learn(Value::Array(halves), &server(9)).expect("is read");
        assert!(topology.is_complete());
        for bucket in 0..BUCKETS {
            let owner = topology.owner(bucket).expect("complete");
            let port = if names.slot(bucket) < 8_192 { 1 } else { 2 };
            assert_eq!(topology.server(owner), &server(port));
        }
        topology.moved(5, server(3));
        assert_eq!(topology.owner(5).map(|owner| topology.server(owner).port), Some(3));
        assert_eq!(topology.owners().len(), 3);
    }

    #[test]
    fn answers_that_make_no_sense_are_refused() {
        let names = Names::new("t").expect("a prefix");
        let mut topology = Topology::unknown(&names);
        let bad = [Value::Int(1), Value::Array(vec![Value::Int(1)])];
        for answer in bad {
            assert!(topology.learn(answer, &server(9)).is_err());
        }
        assert!(topology.learn(Value::Array(vec![range(0, 9, "a", 70_000)]), &server(9)).is_err());
        assert!(!topology.is_complete());
    }

    #[test]
    fn a_redirection_is_read() {
        let asked = server(9);
        assert_eq!(redirection("3999 10.0.0.1:6381", &asked).map(|it| it.port), Some(6_381));
        assert_eq!(redirection("3999 ::1:6381", &asked).map(|it| it.host), Some("::1".into()));
        assert_eq!(redirection("3999 :6381", &asked).map(|it| it.host), Some("127.0.0.1".into()));
        assert_eq!(redirection("3999", &asked), None);
    }
}
