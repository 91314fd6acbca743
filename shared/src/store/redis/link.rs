//! One connection to one server: what is sent, what comes back, and when it is given up.

use std::time::{Duration, Instant};

use redis::{Client, Connection, ConnectionAddr, ConnectionInfo, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::call::{Call, Life, Script, command};
use super::clock::now;
use super::values::text;

/// Where a server is: host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How a connection is made and how long it may take.
#[derive(Clone)]
pub(super) struct LinkSettings {
    /// User, password and database; the address is replaced.
    pub(super) info: ConnectionInfo,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    /// A replica will do: in a cluster it knows the slots, and sends on what it may not carry out.
    pub(super) takes_replicas: bool,
}

/// A connection that is ready for use. After an error it must not be used any more: which answer
/// belongs to which command is no longer known.
pub(super) struct Link {
    connection: Connection,
    digests: Vec<String>,
    life: Life,
    timeout: Duration,
    deadline: Instant,
    pub(super) mode: String,
}

impl Link {
    /// Connects to a server and loads the scripts.
    ///
    /// # Errors
    /// A text that says why this server cannot be used now.
    pub(super) fn open(server: &Server, settings: &LinkSettings) -> Result<Self, String> {
        let address = ConnectionAddr::Tcp(server.host.clone(), server.port);
        let info = settings.info.clone().set_addr(address);
        let client = Client::open(info).map_err(|error| error.to_string())?;
        let connection = client.get_connection_with_timeout(settings.connect_timeout);
        let connection = connection.map_err(|error| format!("cannot connect: {error}"))?;
        let timeout = settings.response_timeout;
        connection.set_read_timeout(Some(timeout)).map_err(|error| error.to_string())?;
        connection.set_write_timeout(Some(timeout)).map_err(|error| error.to_string())?;
        let (life, deadline) = (Life(0), now() + timeout);
        let (digests, mode) = (Vec::new(), String::new());
        let mut link = Self { connection, digests, life, timeout, deadline, mode };
        link.identify(settings.takes_replicas)?;
        link.load_scripts()?;
        Ok(link)
    }

    /// The life of the server that this connection leads to.
    pub(super) fn life(&self) -> Life {
        self.life
    }

    /// Packs a call for this server.
    pub(super) fn pack(&self, call: &Call, out: &mut Vec<u8>) {
        call.pack(&self.digests, self.life, out);
    }

    /// Sends packed calls and starts the time within which all answers have to come.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.deadline = now() + self.timeout;
        self.connection.send_packed_command(bytes).map_err(|error| error.to_string())
    }

    /// The next answer. An error that the server reports is an answer.
    pub(super) fn receive(&mut self) -> Result<Value, String> {
        loop {
            if now() > self.deadline {
                return Err(format!("no answer within {} ms", self.timeout.as_millis()));
            }
            match self.connection.recv_response() {
                Ok(Value::Push { .. }) => {}
                Ok(value) => return Ok(value),
                Err(error) if error.is_timeout() => {
                    return Err(format!("no answer within {} ms", self.timeout.as_millis()));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// One command and its answer; an error that the server reports is an error.
    pub(super) fn ask(&mut self, arguments: &[&[u8]]) -> Result<Value, String> {
        self.send(&command(arguments))?;
        let value = self.receive()?;
        if let Value::ServerError(error) = value { Err(error.to_string()) } else { Ok(value) }
    }

    /// Loads the scripts, again if the server has forgotten them.
    pub(super) fn load_scripts(&mut self) -> Result<(), String> {
        let sources = Script::ALL.map(Script::source);
        let load = |source: &String| command(&[b"SCRIPT", b"LOAD", source.as_bytes()]);
        self.send(&sources.iter().flat_map(load).collect::<Vec<_>>())?;
        let mut digests = Vec::with_capacity(sources.len());
        for _ in &sources {
            let answer = self.receive()?;
            if let Value::ServerError(error) = answer {
                return Err(format!("cannot load a script: {error}"));
            }
            digests.push(text(answer)?);
        }
        self.digests = digests;
        Ok(())
    }

    fn identify(&mut self, takes_replicas: bool) -> Result<(), String> {
        let server = self.info("server")?;
        let replication = self.info("replication")?;
        let role = field(&replication, "role");
        if role != "master" && !takes_replicas {
            return Err(format!("it is a {role} and takes no writes"));
        }
        let run = [field(&server, "run_id"), field(&replication, "master_replid")].join(":");
        self.life = Life(xxh3_64(run.as_bytes()));
        self.mode = String::from(field(&server, "redis_mode"));
        Ok(())
    }

    /// A section of what the server says about itself.
    pub(super) fn info(&mut self, section: &str) -> Result<String, String> {
        text(self.ask(&[b"INFO", section.as_bytes()])?)
    }
}

/// A field of a section, empty if it is not there.
pub(super) fn field<'a>(section: &'a str, name: &str) -> &'a str {
    let mut lines = section.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| *found == name).map_or("", |(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_a_section() {
        let section = "# Server\r\nrun_id:abc\r\nredis_mode:standalone\r\n";
        assert_eq!(field(section, "redis_mode"), "standalone");
        assert_eq!(field(section, "mode"), "");
    }
}
