//! Runs a node from start to drained end: sockets, cluster, status page, signals.
//!
//! What can wake it is in one `select!`: a signal, the end of the time, the end of the status
//! server, and a routine look at the node four times a second.

mod drain;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, block_in_place};

use crate::clock;
use crate::cluster::{Cluster, Sockets};
use crate::config::Config;
use crate::failure::Failure;
use crate::output;
use crate::status::history::History;
use crate::status::view::StatusView;
use crate::status::{self, Source};
use crate::stop::StopSignals;

/// How often the node is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What is to be run.
pub struct Plan<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Where every role's flight recording is written.
    pub record_dir: Option<PathBuf>,
    /// When the program began, for the time to ready.
    pub begun: Instant,
}

/// A node that is ready.
pub struct Service {
    cluster: Cluster,
    http: SocketAddr,
    begun: Instant,
    view: watch::Sender<Arc<StatusView>>,
    history: History,
    metrics: PrometheusHandle,
    stop_http: watch::Sender<bool>,
    tasks: JoinSet<std::io::Result<()>>,
    signals: StopSignals,
    /// Ends when standard input does, if anybody wants that.
    stdin: Option<oneshot::Receiver<()>>,
    /// A failed role is told once.
    failure_told: bool,
}

impl Service {
    /// Starts a node; it is ready when this returns.
    ///
    /// # Errors
    /// [`Failure`] says what stands in the way.
    pub async fn start(plan: &Plan<'_>) -> Result<Self, Failure> {
        let stopped = |error: std::io::Error| Failure::Node { what: error.to_string() };
        let signals = StopSignals::listen().map_err(stopped)?;
        let metrics = install_metrics();
        let mut sockets = Sockets::bind(plan.config).await?;
        let record_dir = plan.record_dir.clone();
        let cluster = block_in_place(|| Cluster::start(plan.config, &mut sockets, record_dir))?;
        let (view, views) = watch::channel(Arc::new(view_of(&cluster, plan.begun)));
        let (stop_http, stop) = watch::channel(false);
        let mut tasks = JoinSet::new();
        if let Some(listener) = sockets.http.take() {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(stopped)?;
            let source = Source { view: views, metrics: metrics.clone() };
            tasks.spawn(status::serve(listener, source, stop));
        }
        Ok(Self {
            cluster,
            http: sockets.http_address(),
            begun: plan.begun,
            view,
            history: History::default(),
            metrics,
            stop_http,
            tasks,
            signals,
            stdin: None,
            failure_told: false,
        })
    }

    /// Says that the node is ready: the link on stdout, the rest on stderr.
    ///
    /// # Errors
    /// [`Failure::Output`]
    pub fn announce(&self, config: &Config) -> Result<(), Failure> {
        let ready_ms = self.begun.elapsed().as_millis();
        let roles: Vec<_> = config.node.roles.0.iter().map(|role| role.name()).collect();
        let node = self.cluster.status().id;
        eprintln!("cohort {} is ready after {ready_ms} ms", config.node.build);
        eprintln!("  node {node}: {}", roles.join(", "));
        eprintln!("  data in {}", config.node.data_dir.display());
        if let Some(quic) = self.cluster.quic() {
            eprintln!("  clients connect to {quic} (QUIC)");
        }
        eprintln!("  look at it in a browser:");
        output::data(&format!("http://{}/\n", self.http))
    }

    /// Where clients connect, if the node hosts a gateway.
    #[must_use]
    pub fn quic(&self) -> Option<SocketAddr> {
        self.cluster.quic()
    }

    /// Makes the end of standard input a wish to stop: a supervisor holds it open, and if it dies,
    /// the operating system closes it.
    pub fn stop_with_stdin(&mut self) {
        let (ended, end) = oneshot::channel();
        // A thread that nobody waits for: reading cannot be cancelled.
        std::thread::spawn(move || {
            let _ended_badly = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _nobody_waits = ended.send(());
        });
        self.stdin = Some(end);
    }

    /// Runs until somebody asks to stop or the time is over.
    ///
    /// # Errors
    /// [`Failure::Node`] if the status page cannot be served any more, or if the node has lost its
    /// place in the cluster.
    pub async fn run(&mut self, lasting: Option<Duration>) -> Result<(), Failure> {
        let mut look = tokio::time::interval(LOOK);
        let end = async {
            match lasting {
                Some(lasting) => tokio::time::sleep(lasting).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        let mut stdin = self.stdin.take();
        loop {
            tokio::select! {
                asked = self.signals.next() => {
                    tracing::debug!(?asked, "asked to stop");
                    return Ok(());
                }
                () = &mut end => return Ok(()),
                () = ended(&mut stdin) => return Ok(()),
                Some(ended) = self.tasks.join_next() => {
                    let what = format!("the status page ended: {ended:?}");
                    return Err(Failure::Node { what });
                }
                _ = look.tick() => {
                    self.look();
                    if let Some(what) = self.cluster.lost() {
                        return Err(Failure::Node { what });
                    }
                }
            }
        }
    }

    /// Publishes how the node is, and says so when a role has failed.
    fn look(&mut self) {
        let mut view = view_of(&self.cluster, self.begun);
        self.history.follow(clock::now(), &mut view);
        let failed = view.roles.iter().find(|role| role.failed.is_some());
        if let Some(role) = failed
            && !self.failure_told
        {
            self.failure_told = true;
            let reason = role.failed.as_deref().unwrap_or_default();
            tracing::error!(role = role.role, reason, "role failed; restart the node");
        }
        for (name, value) in self.cluster.edge_values() {
            let labels = [("node", view.node.clone()), ("role", String::from("gateway"))];
            metrics::counter!(format!("cohort_{name}"), &labels).absolute(value);
        }
        self.view.send_replace(Arc::new(view));
        self.metrics.run_upkeep();
    }
}

async fn ended(stdin: &mut Option<oneshot::Receiver<()>>) {
    match stdin {
        // An error means that the thread is gone, and standard input with it.
        Some(end) => drop(end.await),
        None => std::future::pending().await,
    }
}

fn view_of(cluster: &Cluster, begun: Instant) -> StatusView {
    let quic = cluster.quic().map(|address| address.to_string()).unwrap_or_default();
    StatusView::of(&cluster.status(), &cluster.nodes(), &quic, begun.elapsed())
}

/// Installs what collects metrics for the process; a second call collects nothing.
fn install_metrics() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics were installed before");
    }
    handle
}

/// When the program began.
#[must_use]
pub fn begun() -> Instant {
    clock::now()
}
