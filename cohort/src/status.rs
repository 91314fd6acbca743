//! The status page and its machine-readable brothers, over HTTP on this machine.
//!
//! `/` is for people, `/status.json`, `/metrics`, `/healthz` and `/readyz` are for programs. There
//! is no login and nothing can be changed here; by default only this machine can connect.

pub mod history;
pub mod http_get;
pub mod listener;
pub mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use shared::directory::NodeState;

use crate::status::listener::Bounded;
use crate::status::view::StatusView;

const PAGE: &str = include_str!("status/page.html");
/// The page needs its own inline style and script and may talk to its own server, nothing else.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

type Headers<const N: usize> = [(HeaderName, &'static str); N];

/// What the handlers read.
#[derive(Clone)]
pub struct Source {
    /// The newest view of the node.
    pub view: watch::Receiver<Arc<StatusView>>,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
}

/// Binds the port of the status page.
///
/// # Errors
/// What the operating system says.
pub async fn bind(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address).await
}

/// Serves until `stop` changes or its sender is gone.
///
/// # Errors
/// What the operating system says.
pub async fn serve(
    listener: tokio::net::TcpListener,
    source: Source,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let stopped = async move {
        let _sender_is_gone = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(Bounded::new(listener), router(source)).with_graceful_shutdown(stopped).await
}

fn router(source: Source) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .fallback(nothing_here)
        .with_state(source)
}

async fn page() -> impl IntoResponse {
    let headers: Headers<4> = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PAGE)
}

async fn status(State(source): State<Source>) -> impl IntoResponse {
    let headers: Headers<1> = [(header::CACHE_CONTROL, "no-store")];
    let view = StatusView::clone(&source.view.borrow());
    (headers, Json(view))
}

async fn metrics(State(source): State<Source>) -> impl IntoResponse {
    let headers: Headers<1> = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, source.metrics.render())
}

async fn health(State(source): State<Source>) -> impl IntoResponse {
    if source.view.borrow().healthy {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "a role has failed; see /status.json\n")
    }
}

async fn readiness(State(source): State<Source>) -> impl IntoResponse {
    let view = source.view.borrow();
    match view.state {
        NodeState::Ready if view.suspended => {
            (StatusCode::SERVICE_UNAVAILABLE, "suspended: the store cannot be reached\n")
        }
        NodeState::Ready => (StatusCode::OK, "ready\n"),
        NodeState::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        NodeState::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

async fn nothing_here() -> impl IntoResponse {
    let there = "nothing here; there are /, /status.json, /metrics, /healthz and /readyz\n";
    (StatusCode::NOT_FOUND, there)
}
