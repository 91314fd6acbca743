//! Which processes there are and how each is configured.

use std::net::IpAddr;
use std::path::PathBuf;

use shared::ids::Role;

use super::Shared;
use crate::config::Config;
use crate::config::backends::{MqKind, StoreKind};
use crate::failure::Failure;

/// How many processes of the roles that scale out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Gateways; the first has the port of the configuration, the others those that follow.
    pub gateways: u16,
    /// Baseapps.
    pub baseapps: u16,
    /// Battleapps.
    pub battleapps: u16,
    /// Social nodes.
    pub socials: u16,
    /// Redis servers to use; without one, one is started.
    pub redis: Vec<String>,
    /// How they talk to each other.
    pub mq: MqKind,
}

/// When a process ends: those that take work from outside first, those who keep data last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Gateways,
    Fighters,
    Social,
    Bases,
}

impl Stage {
    pub(super) const ALL: [Self; 4] = [Self::Gateways, Self::Fighters, Self::Social, Self::Bases];

    const fn of(role: Role) -> Self {
        match role {
            Role::Gateway => Self::Gateways,
            Role::Battleapp | Role::Matchmaker => Self::Fighters,
            Role::Social => Self::Social,
            Role::Baseapp => Self::Bases,
        }
    }
}

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) config: Config,
}

/// All processes, gateways first.
pub struct Plan {
    pub(super) processes: Vec<Shared<Process>>,
    pub(super) gateways: usize,
    pub(super) quic_ip: IpAddr,
    pub(super) data_dir: PathBuf,
}

impl Plan {
    /// Plans one process per role and count over the store at `redis`.
    ///
    /// # Errors
    /// [`Failure::DataDir`] if there is no place for the secret of the cluster.
    pub(super) fn new(
        config: &Config,
        counts: &Counts,
        redis: Vec<String>,
    ) -> Result<Self, Failure> {
        let mut config = config.clone();
        if config.store.kind == StoreKind::Embedded {
            config.store.kind = StoreKind::Redis;
        }
        config.store.urls = redis;
        config.mq.kind = counts.mq;
        if counts.mq == MqKind::Tcp && config.cluster.key_file.as_os_str().is_empty() {
            config.cluster.key_file = new_key(&config)?;
        }
        let roles = [
            (Role::Gateway, counts.gateways),
            (Role::Baseapp, counts.baseapps),
            (Role::Battleapp, counts.battleapps),
            (Role::Social, counts.socials),
            (Role::Matchmaker, 1),
        ];
        let mut processes = Vec::new();
        for (role, count) in roles {
            for number in 1..=count {
                processes.push(Shared::new(process(&config, role, number, processes.len())));
            }
        }
        Ok(Self {
            processes,
            gateways: usize::from(counts.gateways),
            quic_ip: config.edge.bind,
            data_dir: config.node.data_dir,
        })
    }
}

fn process(base: &Config, role: Role, number: u16, before: usize) -> Process {
    let mut config = base.clone();
    let node = u16::try_from(before + 1).unwrap_or(u16::MAX);
    config.node.number = base.node.number.saturating_sub(1).saturating_add(node);
    config.node.roles.0 = vec![role];
    config.edge.port = match (role, base.edge.port) {
        (_, 0) => 0,
        (Role::Gateway, port) => port.saturating_add(number - 1),
        (Role::Baseapp | Role::Battleapp | Role::Social | Role::Matchmaker, _) => 0,
    };
    let name = match role {
        Role::Matchmaker => role.name().to_owned(),
        Role::Gateway | Role::Baseapp | Role::Battleapp | Role::Social => {
            format!("{}-{number}", role.name())
        }
    };
    Process { name, stage: Stage::of(role), config }
}

/// The secret of a cluster that lives on this machine alone, made once.
fn new_key(config: &Config) -> Result<PathBuf, Failure> {
    let file = config.node.data_dir.join("cluster.key");
    let refused = |what: String| Failure::DataDir { dir: config.node.data_dir.clone(), what };
    if !file.exists() {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| refused(error.to_string()))?;
        let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        write_secret(&file, &text).map_err(|error| refused(error.to_string()))?;
    }
    Ok(file)
}

/// Writes a file that only this user reads.
fn write_secret(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    writeln!(options.open(file)?, "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Counts {
        let (redis, mq) = (Vec::new(), MqKind::Tcp);
        Counts { gateways: 2, baseapps: 2, battleapps: 1, socials: 1, redis, mq }
    }

    #[test]
    fn every_process_has_its_own_number_and_gateways_have_the_ports_that_follow() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.node.data_dir = dir.path().to_path_buf();
        let plan = Plan::new(&config, &counts(), vec![String::from("redis://h:1")]).unwrap();
        let seen: Vec<_> = plan
            .processes
            .iter()
            .map(|it| (it.name.as_str(), it.config.node.number, it.config.edge.port))
            .collect();
        let expected = [
            ("gateway-1", 1, 7777),
            ("gateway-2", 2, 7778),
            ("baseapp-1", 3, 0),
            ("baseapp-2", 4, 0),
            ("battleapp-1", 5, 0),
            ("social-1", 6, 0),
            ("matchmaker", 7, 0),
        ];
        assert_eq!(seen, expected);
        for process in &plan.processes {
            assert_eq!(crate::config::backends::check(&process.config), Ok(()));
        }
        let key = std::fs::read(dir.path().join("cluster.key")).unwrap();
        Plan::new(&config, &counts(), Vec::new()).unwrap();
        assert_eq!(std::fs::read(dir.path().join("cluster.key")).unwrap(), key, "made once");
    }
}
