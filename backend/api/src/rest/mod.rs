//! REST: paths and query parameters become the messages of the API, and their answers JSON.
//!
//! Invariant: every answer, an error's too, is JSON in the shape Google's clients parse. Which field of a request comes from
//! the path, the query or the body follows the API's HTTP rules. No rule about values lives here.

mod admin;
mod admin_backups;
mod admin_replication;
mod backups;
mod body;
mod dispatch;
mod query;
mod respond;
mod routes;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, Uri};

pub(crate) use respond::{refusal, root, unknown_path};

use crate::ApiState;
use query::Query;
use respond::{Format, answer};

/// Answers one request under `/v1/`.
pub(crate) async fn handle(
    State(state): State<ApiState>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    body: Body,
) -> Response {
    let query = match Query::parse(&uri) {
        Ok(query) => query,
        Err(error) => return answer(Err(error), Format::default()),
    };
    let format = query.format();
    let rpc = match routes::find(&method, &path) {
        Ok(rpc) => rpc,
        Err(error) => return answer(Err(error), format),
    };
    let call = dispatch::Call { state: &state, path: &path, query, body, format };
    answer(call.run(rpc).await, format)
}
