//! One command to one server, packed as it goes over the wire.

use std::io::Write as _;

use super::layout::Names;

/// The scripts. Each is one atomic step in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Claim,
    Commit,
    Release,
    Peek,
    Outbox,
    Deliver,
    Remove,
    Create,
    Scan,
    Join,
    Beat,
    Leave,
}

impl Script {
    /// All of them, in the order in which a connection numbers them.
    pub(super) const ALL: [Self; 12] = [
        Self::Claim,
        Self::Commit,
        Self::Release,
        Self::Peek,
        Self::Outbox,
        Self::Deliver,
        Self::Remove,
        Self::Create,
        Self::Scan,
        Self::Join,
        Self::Beat,
        Self::Leave,
    ];

    /// What the server runs.
    pub(super) fn source(self) -> String {
        let whole = |text: &str| String::from(text);
        let lease = |text| [include_str!("../../directory/redis/lease.lua"), text].concat();
        match self {
            Self::Claim => whole(include_str!("scripts/claim.lua")),
            Self::Commit => whole(include_str!("scripts/commit.lua")),
            Self::Release => whole(include_str!("scripts/release.lua")),
            Self::Peek => whole(include_str!("scripts/peek.lua")),
            Self::Outbox => whole(include_str!("scripts/outbox.lua")),
            Self::Deliver => whole(include_str!("scripts/deliver.lua")),
            Self::Remove => whole(include_str!("scripts/remove.lua")),
            Self::Create => whole(include_str!("scripts/create.lua")),
            Self::Scan => whole(include_str!("scripts/scan.lua")),
            Self::Join => lease(include_str!("../../directory/redis/join.lua")),
            Self::Beat => lease(include_str!("../../directory/redis/beat.lua")),
            Self::Leave => lease(include_str!("../../directory/redis/leave.lua")),
        }
    }

    /// Its number among [`Script::ALL`].
    pub(super) fn index(self) -> usize {
        Self::ALL.iter().position(|it| *it == self).expect("all scripts are in the list")
    }

    fn writes(self) -> bool {
        match self {
            Self::Peek | Self::Outbox | Self::Scan => false,
            Self::Claim
            | Self::Commit
            | Self::Release
            | Self::Deliver
            | Self::Remove
            | Self::Create
            | Self::Join
            | Self::Beat
            | Self::Leave => true,
        }
    }
}

/// Which life of a server something happened in: another one after each restart, and at each
/// other server. What a server has lost with a crash, it has lost between two lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Life(pub(super) u64);

impl Life {
    pub(super) fn text(self) -> String {
        format!("{:016x}", self.0)
    }
}

/// A command or a script with its keys and arguments.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    bucket: u16,
    script: Option<Script>,
    keys: usize,
    args: usize,
    body: Vec<u8>,
    life_last: bool,
    writes: bool,
    pub(super) only_in: Option<Life>,
}

impl Call {
    /// A script; keys have to be added before arguments.
    pub(crate) fn script(script: Script, bucket: u16) -> Self {
        let (keys, args, body) = (0, 0, Vec::new());
        let script = Some(script);
        let writes = script.is_some_and(Script::writes);
        Self { bucket, script, keys, args, body, life_last: false, writes, only_in: None }
    }

    /// A command that only reads.
    pub(crate) fn reading(name: &str, bucket: u16) -> Self {
        let (keys, args, body) = (0, 0, Vec::new());
        let (script, only_in) = (None, None);
        let it =
            Self { bucket, script, keys, args, body, life_last: false, writes: false, only_in };
        it.arg(name.as_bytes())
    }

    /// A command that writes.
    pub(crate) fn writing(name: &str, bucket: u16) -> Self {
        Self { writes: true, ..Self::reading(name, bucket) }
    }

    /// Asks for the store id of a bucket.
    pub(super) fn mark(names: &Names, bucket: u16) -> Self {
        let name = names.of_bucket(bucket, "mark");
        Self::reading("HGET", bucket).arg(name.as_bytes()).arg(b"store")
    }

    pub(crate) fn key(mut self, name: &str) -> Self {
        self.keys += 1;
        bulk(&mut self.body, name.as_bytes());
        self
    }

    pub(crate) fn arg(mut self, bytes: &[u8]) -> Self {
        self.args += 1;
        bulk(&mut self.body, bytes);
        self
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.arg(number.to_string().as_bytes())
    }

    /// Adds the life of the server that will carry it out, as the last argument.
    pub(super) fn with_life(mut self) -> Self {
        self.life_last = true;
        self
    }

    pub(super) fn bucket(&self) -> u16 {
        self.bucket
    }

    pub(super) fn writes(&self) -> bool {
        self.writes
    }

    /// Bytes that it takes, roughly.
    pub(super) fn size(&self) -> usize {
        self.body.len() + 128
    }

    /// Appends it to `out`. `digests` names the scripts in the order of [`Script::ALL`].
    pub(super) fn pack(&self, digests: &[String], life: Life, out: &mut Vec<u8>) {
        let own = self.keys + self.args + usize::from(self.life_last);
        match self.script {
            Some(script) => {
                header(out, '*', own + 3);
                bulk(out, b"EVALSHA");
                bulk(out, digests[script.index()].as_bytes());
                bulk(out, self.keys.to_string().as_bytes());
            }
            None => header(out, '*', own),
        }
        out.extend_from_slice(&self.body);
        if self.life_last {
            bulk(out, life.text().as_bytes());
        }
    }
}

/// A whole command as bytes.
pub(super) fn command(arguments: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    header(&mut out, '*', arguments.len());
    arguments.iter().for_each(|argument| bulk(&mut out, argument));
    out
}

fn header(out: &mut Vec<u8>, kind: char, count: usize) {
    write!(out, "{kind}{count}\r\n").expect("a vector takes all that is written to it");
}

fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    header(out, '$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_packed_as_the_protocol_says() {
        let call = Call::script(Script::Claim, 3).key("k").arg(b"ab").with_life();
        let digests: Vec<_> = Script::ALL.iter().map(|_| String::from("sha")).collect();
        let mut out = Vec::new();
        call.pack(&digests, Life(10), &mut out);
        let expected = "*6\r\n$7\r\nEVALSHA\r\n$3\r\nsha\r\n$1\r\n1\r\n$1\r\nk\r\n$2\r\nab\r\n\
                        $16\r\n000000000000000a\r\n";
        assert_eq!(String::from_utf8(out), Ok(String::from(expected)));
        assert_eq!(command(&[b"GET", b""]), b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
    }
}
