//! `cohort config`: check, show, reference.

use serde_json::json;

use crate::args::{ConfigArgs, ConfigCommand};
use crate::cluster;
use crate::config::layers::{self, Loaded};
use crate::config::reference;
use crate::failure::Failure;
use crate::output;

/// Checks or shows the configuration.
///
/// # Errors
/// [`Failure`] points at what is wrong.
pub fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { file } => {
            let loaded = layers::load(Some(file), std::env::vars(), &[])?;
            let content = cluster::content(&loaded.config)?;
            output::data(&format!(
                "ok: {}; {} heroes, {} items, {} queues\n",
                file.display(),
                content.heroes.len(),
                content.items.len(),
                content.queues.len()
            ))
        }
        ConfigCommand::Show { config, json } => show(&load(config, &config.flags())?, *json),
        ConfigCommand::Reference => output::data(&reference::page()),
    }
}

/// The configuration as file, environment and `flags` say.
///
/// # Errors
/// [`Failure::Config`]
pub fn load(args: &ConfigArgs, flags: &[layers::Flag]) -> Result<Loaded, Failure> {
    Ok(layers::load(args.config.as_deref(), std::env::vars(), flags)?)
}

fn show(loaded: &Loaded, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let entries = loaded.values.iter().map(|(key, (value, origin))| {
            (key.clone(), json!({ "value": value, "source": origin.to_string() }))
        });
        return output::json(&serde_json::Value::Object(entries.collect()));
    }
    let mut rows = vec![["key", "value", "source"].map(str::to_owned).to_vec()];
    for (key, _) in reference::KEYS {
        if let Some((value, origin)) = loaded.values.get(key) {
            rows.push(vec![key.to_owned(), value.to_string(), origin.to_string()]);
        }
    }
    output::data(&output::table(&rows))
}
