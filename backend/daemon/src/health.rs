//! `GET /livez` and `GET /readyz`, outside the API.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;

/// Whether the daemon can take requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// The state is being opened, or it is shutting down.
    NotReady,
    /// The API answers and every known instance has its loop.
    Ready,
}

/// The two routes.
pub(crate) fn router(readiness: watch::Receiver<Readiness>) -> Router {
    let readyz = move || {
        let now = *readiness.borrow();
        async move {
            match now {
                Readiness::Ready => (StatusCode::OK, "ok\n"),
                Readiness::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            }
        }
    };
    Router::new().route("/livez", get(async || "ok\n")).route("/readyz", get(readyz))
}
