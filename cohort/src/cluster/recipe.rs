//! What the cores of a node are made with, besides who they are: enough to make the same ones
//! again, next to a recording.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baseapp::core::Baseapp;
use battleapp::BattleApp;
use battleapp::core::app::Workers;
use gateway::core::{Gateway, GatewayLimits};
use matchmaker::Matchmaker;
use serde::{Deserialize, Serialize};
use shared::content::Content;
use shared::core::Core;
use shared::ids::{Address, Role};
use shared::rng;
use shared::tick::TickRate;
use social::Social;

use crate::config::Config;
use crate::failure::Failure;

/// Its name in the folder of a recording.
const FILE: &str = "node.json";

/// What cores are made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Version of the build.
    pub build: String,
    /// The cluster of the store.
    pub cluster: u64,
    /// [`Content::hash`].
    pub content: u64,
    /// `limits.sessions_max`.
    pub sessions_max: u32,
    /// `limits.logins_max`.
    pub logins_max: u32,
    /// `log.traces_permille`.
    pub traces_permille: u32,
}

impl Recipe {
    /// The recipe of a node.
    #[must_use]
    pub fn of(config: &Config, cluster: u64, content: &Content) -> Self {
        Self {
            build: config.node.build.clone(),
            cluster,
            content: content.hash(),
            sessions_max: config.limits.sessions_max,
            logins_max: config.limits.logins_max,
            traces_permille: config.log.traces_permille,
        }
    }

    /// Makes the core of a role. Which `workers` step battles makes no difference to what it does.
    #[must_use]
    pub fn core(
        &self,
        me: Address,
        rate: TickRate,
        content: &Arc<Content>,
        workers: Box<dyn Workers>,
    ) -> Box<dyn Core> {
        let content = Arc::clone(content);
        match me.role {
            Role::Gateway => {
                let (sessions_max, logins_max) = (self.sessions_max, self.logins_max);
                let limits = GatewayLimits {
                    sessions_max,
                    logins_max,
                    traces_permille: self.traces_permille,
                    ..GatewayLimits::default()
                };
                Box::new(Gateway::new(me, rate, limits))
            }
            Role::Baseapp => Box::new(Baseapp::new(me, rate, content)),
            Role::Battleapp => {
                let app = BattleApp::new(me, rate, content, &self.build);
                Box::new(app.with_workers(workers))
            }
            Role::Social => Box::new(Social::new(me, rate)),
            Role::Matchmaker => {
                // Every life of a node draws differently.
                let seed = rng::mix(self.cluster, &[me.node.unique(0)]);
                Box::new(Matchmaker::new(me, rate, content.queues.clone(), seed))
            }
        }
    }

    /// Writes it into the folder of a recording.
    ///
    /// # Errors
    /// [`Failure::File`]
    pub fn write(&self, dir: &Path) -> Result<(), Failure> {
        let file = dir.join(FILE);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let written = fs::create_dir_all(dir).and_then(|()| fs::write(&file, text + "\n"));
        written.map_err(|source| Failure::File { file, source })
    }

    /// Reads it from the folder of a recording.
    ///
    /// # Errors
    /// [`Failure::File`] if it cannot be read, [`Failure::Check`] if it is no recipe.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let file: PathBuf = dir.join(FILE);
        let text = fs::read_to_string(&file)
            .map_err(|source| Failure::File { file: file.clone(), source })?;
        serde_json::from_str(&text).map_err(|error| Failure::Check {
            what: format!("{} does not say how the node was made: {error}", file.display()),
        })
    }
}
