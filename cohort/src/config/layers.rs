//! The layers of the configuration, and where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::de::DeTable;

use crate::config::lines::Place;
use crate::config::{Config, backends, reference};
use crate::suggest::Unknown;

/// What an environment variable that is meant for us begins with.
pub const ENVIRONMENT_PREFIX: &str = "COHORT__";
/// Bytes of a configuration file. A larger one is refused.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment(name) => write!(f, "{name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// A value given as a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// The flag as the user writes it.
    pub flag: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// The value.
    pub value: toml::Value,
}

/// A configuration together with where its values came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Every key (`section.name`) with its value and its origin.
    pub values: BTreeMap<String, (toml::Value, Origin)>,
}

/// Why a configuration was not accepted.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no configuration.
    #[error("{message}\n  at {place}")]
    File {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// An environment variable or a flag has a value that does not fit.
    #[error("{origin}: {message}")]
    Value {
        /// Where the value came from.
        origin: Origin,
        /// What is wrong.
        message: String,
    },
}

/// Puts the layers on top of each other.
///
/// # Errors
/// [`ConfigError`] says what is wrong, where, and what was probably meant.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Loaded, ConfigError> {
    let mut values = defaults();
    if let Some(file) = file {
        add_file(&mut values, file, &read(file)?)?;
    }
    add_environment(&mut values, environment)?;
    for Flag { flag, key, value } in flags {
        values.insert((*key).to_owned(), (value.clone(), Origin::Flag(flag)));
        build(&values).map_err(|message| value_error(Origin::Flag(flag), message))?;
    }
    let config = build(&values).map_err(|message| value_error(Origin::Default, message))?;
    backends::check(&config).map_err(|(key, message)| {
        let origin = values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone());
        value_error(origin, format!("{key}: {message}"))
    })?;
    Ok(Loaded { config, values })
}

/// The configuration of a file's text alone, without environment and flags.
pub(crate) fn of_text(file: &Path, text: &str) -> Result<Loaded, ConfigError> {
    let mut values = defaults();
    add_file(&mut values, file, text)?;
    let config = build(&values).map_err(|message| value_error(Origin::Default, message))?;
    Ok(Loaded { config, values })
}

fn value_error(origin: Origin, message: String) -> ConfigError {
    ConfigError::Value { origin, message }
}

fn defaults() -> BTreeMap<String, (toml::Value, Origin)> {
    let mut values = BTreeMap::new();
    for (section, table) in reference::defaults() {
        let toml::Value::Table(table) = table else { continue };
        for (name, value) in table {
            values.insert(format!("{section}.{name}"), (value, Origin::Default));
        }
    }
    values
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { file: file.to_owned(), source };
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        let what = format!("it has {bytes} bytes, more than {FILE_BYTES_MAX}");
        return Err(unreadable(std::io::Error::other(what)));
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

fn add_file(
    values: &mut BTreeMap<String, (toml::Value, Origin)>,
    file: &Path,
    text: &str,
) -> Result<(), ConfigError> {
    let refuse =
        |offset, message| ConfigError::File { place: Place::of(file, text, offset), message };
    let toml_error = |error: &toml::de::Error| {
        refuse(error.span().map_or(0, |span| span.start), error.message().to_owned())
    };
    let table = DeTable::parse(text).map_err(|error| toml_error(&error))?;
    let mut lines = BTreeMap::new();
    for (section, inner) in table.get_ref() {
        let name = section.get_ref().as_ref();
        let sections = values.keys().filter_map(|key| key.split('.').next());
        if !sections.clone().any(|known| known == name) {
            let mut known: Vec<_> = sections.collect();
            known.dedup();
            let unknown = Unknown::new("section", name, known.into_iter());
            return Err(refuse(section.span().start, unknown.to_string()));
        }
        let Some(inner) = inner.get_ref().as_table() else {
            let message = format!("`{name}` is a section: write [{name}] and its keys below");
            return Err(refuse(section.span().start, message));
        };
        for key in inner.keys() {
            let full = format!("{name}.{}", key.get_ref());
            if !values.contains_key(&full) {
                let unknown = unknown_key(values, name, key.get_ref());
                return Err(refuse(key.span().start, unknown.to_string()));
            }
            lines.insert(full, Place::of(file, text, key.span().start).line);
        }
    }
    // The typed structs refuse wrong types and values, with their place.
    toml::from_str::<Config>(text).map_err(|error| toml_error(&error))?;
    let table: toml::Table = toml::from_str(text).map_err(|error| toml_error(&error))?;
    for (key, line) in lines {
        let (section, name) = key.split_once('.').unwrap_or((&key, ""));
        let value = table.get(section).and_then(|inner| inner.get(name));
        if let Some(value) = value {
            let origin = Origin::File { file: file.to_owned(), line };
            values.insert(key, (value.clone(), origin));
        }
    }
    Ok(())
}

fn unknown_key(
    values: &BTreeMap<String, (toml::Value, Origin)>,
    section: &str,
    name: &str,
) -> Unknown {
    let inside = values.keys().filter_map(|key| {
        key.split_once('.').filter(|(of, _)| *of == section).map(|(_, name)| name)
    });
    Unknown::new("key", name, inside)
}

fn add_environment(
    values: &mut BTreeMap<String, (toml::Value, Origin)>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let mut ours: Vec<_> =
        environment.filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
    ours.sort();
    for (variable, text) in ours {
        let origin = Origin::Environment(variable.clone());
        let key = variable[ENVIRONMENT_PREFIX.len()..].to_lowercase().replace("__", ".");
        let Some((current, _)) = values.get(&key) else {
            let variables: Vec<_> = values.keys().map(|key| variable_of(key)).collect();
            let known = variables.iter().map(String::as_str);
            let message = Unknown::new("variable", &variable, known).to_string();
            return Err(value_error(origin, message));
        };
        let value = parse_as(current, &text)
            .ok_or_else(|| value_error(origin.clone(), format!("`{text}` is no number")))?;
        values.insert(key, (value, origin.clone()));
        build(values).map_err(|message| value_error(origin, message))?;
    }
    Ok(())
}

/// The environment variable of a key.
#[must_use]
pub fn variable_of(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Text as a value of the same type as `like`.
fn parse_as(like: &toml::Value, text: &str) -> Option<toml::Value> {
    match like {
        toml::Value::Integer(_) => text.trim().parse().ok().map(toml::Value::Integer),
        toml::Value::Boolean(_) => text.trim().parse().ok().map(toml::Value::Boolean),
        toml::Value::Array(_) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Some(toml::Value::Array(words.map(|word| word.to_owned().into()).collect()))
        }
        toml::Value::String(_)
        | toml::Value::Float(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => Some(toml::Value::String(text.to_owned())),
    }
}

fn build(values: &BTreeMap<String, (toml::Value, Origin)>) -> Result<Config, String> {
    let mut table = toml::Table::new();
    for (key, (value, _)) in values {
        let (section, name) = key.split_once('.').unwrap_or((key, ""));
        let inner = table.entry(section).or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(inner) = inner {
            inner.insert(name.to_owned(), value.clone());
        }
    }
    Config::deserialize(table).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn load_with(
        text: &str,
        environment: &[(&str, &str)],
        flags: &[Flag],
    ) -> Result<Loaded, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        load(Some(file.path()), environment, flags).map_err(|error| error.to_string())
    }

    fn check_refused(text: &str, environment: &[(&str, &str)], expected: &[&str]) {
        let error = load_with(text, environment, &[]).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
    }

    #[test]
    fn flags_beat_environment_beats_file_beats_default() {
        let text = "[edge]\nport = 1\n[bots]\ncount = 1\nseed = 5\n";
        let environment = [("COHORT__EDGE__PORT", "2"), ("COHORT__BOTS__COUNT", "2")];
        let flag = Flag { flag: "--port", key: "edge.port", value: 3.into() };
        let loaded = load_with(text, &environment, &[flag]).unwrap();
        let config = &loaded.config;
        assert_eq!((config.edge.port, config.bots.count, config.bots.seed), (3, 2, 5));
        assert_eq!(config.node, Config::default().node);
        let origin = |key: &str| loaded.values[key].1.clone();
        assert_eq!(origin("edge.port"), Origin::Flag("--port"));
        assert_eq!(origin("bots.count"), Origin::Environment("COHORT__BOTS__COUNT".into()));
        assert!(matches!(origin("bots.seed"), Origin::File { line: 5, .. }));
        assert_eq!(origin("node.number"), Origin::Default);
    }

    #[test]
    fn an_unknown_key_is_pointed_at_with_the_one_that_was_meant() {
        check_refused("[edge]\nprot = 1\n", &[], &[":2:1", "`prot`", "did you mean `port`?"]);
        check_refused("[egde]\nport = 1\n", &[], &[":1:2", "did you mean `edge`?"]);
        check_refused("", &[("COHORT__EDGE__PROT", "1")], &["did you mean `COHORT__EDGE__PORT`?"]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_pointed_at() {
        check_refused("[edge]\nport = 70000\n", &[], &[":2:8", "70000"]);
        check_refused("[drain]\nlimit = \"soon\"\n", &[], &[":2:9", "for example 90s"]);
        check_refused("[node]\nroles = [\"gatway\"]\n", &[], &[":2:", "did you mean `gateway`?"]);
        check_refused("edge = 1\n", &[], &[":1:1", "write [edge]"]);
        check_refused("[edge\n", &[], &[":1:"]);
        check_refused("", &[("COHORT__EDGE__PORT", "x")], &["COHORT__EDGE__PORT", "`x`"]);
        check_refused("", &[("COHORT__LOG__FORMAT", "xml")], &["COHORT__LOG__FORMAT", "xml"]);
    }

    #[test]
    fn lists_in_the_environment_are_separated_by_commas() {
        let environment = [("COHORT__NODE__ROLES", "gateway, baseapp")];
        let loaded = load_with("", &environment, &[]).unwrap();
        let names: Vec<_> = loaded.config.node.roles.0.iter().map(|role| role.name()).collect();
        assert_eq!(names, ["gateway", "baseapp"]);
    }
}
