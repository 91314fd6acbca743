//! Packages: what `deny.toml` says, held against what cargo resolves.

use std::collections::BTreeMap;
use std::process::Command;

use super::licence;
use super::sources::root;

/// Packages that may be in the tree in more than one version. They come from packages we do not
/// write; each further one is build time and code size, so look before you raise it.
pub(crate) const DUPLICATES_MAX: usize = 13;
/// What reaches outside a process or starts threads. No core's tree has one of them.
const IO_PACKAGES: [&str; 10] = [
    "axum",
    "crossbeam-channel",
    "hyper",
    "mio",
    "quinn",
    "redb",
    "redis",
    "rustls",
    "socket2",
    "tokio",
];
/// Advisories that are known and must be stated with their reason.
const STATED_ADVISORIES: [&str; 1] = ["RUSTSEC-2025-0141"];

/// What `deny.toml` says.
#[derive(Debug)]
pub(crate) struct Policy {
    table: toml::Table,
}

/// A package as cargo resolves it.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    name: String,
    version: String,
    licence: String,
    source: Option<String>,
}

impl Policy {
    /// Reads the file in the root of the project.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
        Self { table: text.parse().expect("deny.toml is TOML") }
    }

    /// Packages whose licence leaves no allowed choice.
    pub(crate) fn check_licences(&self, tree: &[Package]) -> Vec<String> {
        let allowed = self.strings("licenses", "allow");
        assert!(!allowed.is_empty(), "deny.toml allows some licences");
        let refused = tree.iter().filter(|p| !licence::is_satisfied(&p.licence, &allowed));
        refused.map(|p| format!("{} {}: licence `{}`", p.name, p.version, p.licence)).collect()
    }

    /// Packages that are in the tree although they are banned, and two crypto providers at once.
    pub(crate) fn check_bans(&self, tree: &[Package]) -> Vec<String> {
        let banned = self.tables("bans", "deny", "crate");
        assert!(!banned.is_empty(), "deny.toml bans some packages");
        let has = |name: &str| tree.iter().any(|package| package.name == name);
        let mut findings: Vec<_> = banned
            .iter()
            .filter(|(name, _)| has(name))
            .map(|(name, reason)| format!("{name} is banned: {reason}"))
            .collect();
        let providers = ["aws-lc-rs", "ring"].into_iter().filter(|name| has(name));
        if providers.count() > 1 {
            findings.push(String::from("two crypto providers make rustls panic at start"));
        }
        findings
    }

    /// Packages that come from somewhere else than the allowed registry or this folder.
    pub(crate) fn check_sources(&self, tree: &[Package]) -> Vec<String> {
        let registries = self.strings("sources", "allow-registry");
        let known = |source: &str| {
            registries.iter().any(|registry| source == format!("registry+{registry}"))
        };
        let foreign = tree.iter().filter_map(|package| {
            let source = package.source.as_ref().filter(|source| !known(source))?;
            Some(format!("{} {} comes from {source}", package.name, package.version))
        });
        foreign.collect()
    }

    /// Known advisories that are not stated with a reason, and stated ones without one.
    pub(crate) fn check_advisories(&self) -> Vec<String> {
        let stated = self.tables("advisories", "ignore", "id");
        let mut findings: Vec<_> = STATED_ADVISORIES
            .into_iter()
            .filter(|id| stated.iter().all(|(known, _)| known != id))
            .map(|id| format!("deny.toml does not state {id}"))
            .collect();
        let bare = stated.iter().filter(|(_, reason)| reason.len() < 20);
        findings.extend(bare.map(|(id, _)| format!("deny.toml ignores {id} without a reason")));
        findings
    }

    fn strings(&self, section: &str, key: &str) -> Vec<String> {
        let values = self.array(section, key).iter();
        values.filter_map(|value| value.as_str().map(String::from)).collect()
    }

    /// `(name, reason)` of an array of tables.
    fn tables(&self, section: &str, key: &str, name: &str) -> Vec<(String, String)> {
        let text = |value: &toml::Value, key: &str| {
            String::from(value.get(key).and_then(toml::Value::as_str).unwrap_or_default())
        };
        let values = self.array(section, key).iter();
        values.map(|value| (text(value, name), text(value, "reason"))).collect()
    }

    fn array(&self, section: &str, key: &str) -> &[toml::Value] {
        let value = self.table.get(section).and_then(|section| section.get(key));
        value.and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// All packages that the lock file resolves to, for every target and feature.
pub(crate) fn metadata() -> Vec<Package> {
    let text = cargo(&["metadata", "--format-version", "1", "--offline", "--locked"]);
    let json: serde_json::Value = serde_json::from_str(&text).expect("cargo prints JSON");
    let packages = json["packages"].as_array().expect("metadata has packages");
    let text = |value: &serde_json::Value| value.as_str().map(String::from);
    let package = |value: &serde_json::Value| Package {
        name: text(&value["name"]).expect("a package has a name"),
        version: text(&value["version"]).expect("a package has a version"),
        licence: text(&value["license"]).unwrap_or_default(),
        source: text(&value["source"]),
    };
    packages.iter().map(package).collect()
}

/// Names that stand in the tree with more than one version.
pub(crate) fn duplicates(tree: &[Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in tree {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let twice = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    twice.map(|(name, versions)| format!("{name} {}", versions.join(" and "))).collect()
}

/// IO packages in the tree of a crate of ours without its default features.
pub(crate) fn io_packages_of(package: &str) -> Vec<String> {
    let narrow = ["--no-default-features", "--edges", "normal", "--prefix", "none"];
    let tree = cargo(&[&["tree", "--offline", "--locked", "-p", package], &narrow[..]].concat());
    assert!(tree.starts_with(package), "cargo tree begins with {package}: {tree}");
    io_packages_in(&tree).map(|name| format!("{package} needs {name} without features")).collect()
}

fn io_packages_in(tree: &str) -> impl Iterator<Item = &'static str> {
    let has = |name: &&str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    IO_PACKAGES.into_iter().filter(has)
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("the cargo that runs this test can be started");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, licence: &str, source: Option<&str>) -> Package {
        let source = source.map(String::from);
        Package {
            name: name.into(),
            version: String::from("1.0.0"),
            licence: licence.into(),
            source,
        }
    }

    #[test]
    fn a_licence_that_is_not_allowed_is_found() {
        let tree =
            [package("a", "MIT", None), package("b", "GPL-3.0", None), package("c", "", None)];
        assert_eq!(Policy::read().check_licences(&tree).len(), 2);
    }

    #[test]
    fn banned_packages_and_two_crypto_providers_are_found() {
        let tree = ["ring", "aws-lc-rs", "openssl-sys", "figment", "sled", "openskill", "agones"];
        let tree = tree.map(|name| package(name, "MIT", None));
        assert_eq!(Policy::read().check_bans(&tree).len(), 7, "six bans and the pair");
        assert_eq!(Policy::read().check_bans(&tree[..1]).len(), 0);
    }

    #[test]
    fn a_package_from_elsewhere_is_found() {
        let git = Some("git+https://example.org/a");
        let tree = [package("a", "MIT", git), package("b", "MIT", Some(CRATES_IO))];
        assert_eq!(
            Policy::read().check_sources(&tree),
            ["a 1.0.0 comes from git+https://example.org/a"]
        );
    }

    #[test]
    fn an_advisory_without_a_reason_is_found() {
        let table = "[advisories]\nignore = [{ id = \"RUSTSEC-1\" }]".parse().expect("TOML");
        assert_eq!(Policy { table }.check_advisories().len(), 2);
    }

    #[test]
    fn an_io_package_in_a_tree_is_found() {
        let tree = "shared v0.1.0 (/x)\ntokio v1.54.1\ntokio-util v1.0.0\n";
        assert_eq!(io_packages_in(tree).collect::<Vec<_>>(), ["tokio"]);
        assert_eq!(io_packages_in("shared v0.1.0\nmetrics v1.0.0\n").count(), 0);
    }

    #[test]
    fn a_name_in_two_versions_is_found() {
        let mut newer = package("a", "MIT", None);
        newer.version = String::from("2.0.0");
        let tree = [package("a", "MIT", None), newer, package("b", "MIT", None)];
        assert_eq!(duplicates(&tree), ["a 1.0.0 and 2.0.0"]);
    }
}
