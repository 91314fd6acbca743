//! Doorway to configuration files, for fuzzing: not for use. And the list of all doorways.

use std::path::Path;

use crate::config::layers;
use crate::config::reference;

pub use shared::fuzzing::Target;

/// The decoders of this crate.
pub const TARGETS: [Target; 1] =
    [Target { name: "configuration", run: configuration, seeds: configurations }];

/// The decoders of all crates.
#[must_use]
pub fn all_targets() -> Vec<Target> {
    let lists: [&[Target]; 5] = [
        &shared::fuzzing::TARGETS,
        &battleapp::fuzzing::TARGETS,
        &baseapp::fuzzing::TARGETS,
        &social::fuzzing::TARGETS,
        &TARGETS,
    ];
    lists.concat()
}

/// A configuration file. The first line is also taken for environment variables.
pub fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let file = Path::new("cohort.toml");
    match layers::of_text(file, &text) {
        Ok(loaded) => {
            let mut table = toml::Table::new();
            for (key, (value, _)) in &loaded.values {
                let (section, name) = key.split_once('.').unwrap_or((key, ""));
                let inner = table.entry(section).or_insert_with(|| toml::Table::new().into());
                inner.as_table_mut().map(|inner| inner.insert(name.to_owned(), value.clone()));
            }
            let again = layers::of_text(file, &table.to_string());
            let again = again.expect("all of its values were accepted before");
            assert_eq!(again.config, loaded.config);
        }
        Err(error) => assert!(!error.to_string().is_empty(), "nothing is said to be wrong"),
    }
    environment(text.lines().next().unwrap_or_default());
}

/// `NAME=VALUE`, separated by semicolons.
fn environment(line: &str) {
    let pairs = line.split(';').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    if let Err(error) = layers::load(None, pairs, &[]) {
        assert!(!error.to_string().is_empty(), "nothing is said to be wrong");
    }
}

fn configurations() -> Vec<Vec<u8>> {
    let text = reference::page();
    let variables = "COHORT__EDGE__PORT=1;COHORT__NODE__ROLES=gateway,social\n";
    let few = "[edge]\nport = 1\n[node]\nroles = [\"gateway\"]\n[drain]\nlimit = \"5s\"\n";
    let head: Vec<_> = text.lines().take(30).collect();
    [few.to_owned(), head.join("\n"), variables.to_owned()].map(String::into_bytes).to_vec()
}
