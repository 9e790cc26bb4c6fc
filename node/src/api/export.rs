//! `/v1/export`: everything of one sort at one height, line by line.
//!
//! The first line says what the rows are, each row is an array of values, and the last line says
//! how many rows there were: a file without it is not whole.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use chipledger_ledger::answers::{self, Export};
use chipledger_ledger::store::Store;
use chipledger_schemas::api::{ErrorCode, JSON_LINES};
use chipledger_schemas::ids::Height;
use futures::StreamExt;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Api;
use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::routes::{Method, Parameter, Route, Shape, takes};

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for a reader.
const CHUNKS_WAITING: usize = 4;

const PARAMETERS: &[Parameter] = &[takes(
    "from",
    "records from this height on; the first one if absent",
)];

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: Method::Get,
        path: "/v1/export/{what}",
        about: "Every record, item, posting, or balance (`compute`), at one height, one JSON \
            value per line: first an answer whose `answer` names the columns, then rows as arrays, \
            at last {\"rows\": N}.",
        parameters: PARAMETERS,
        body: None,
        answer: Shape::Other(JSON_LINES),
        handler: get(export),
    }]
}

async fn export(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let what = Export::ALL
        .iter()
        .copied()
        .find(|what| what.as_str() == path.0);
    let what = what.ok_or_else(|| {
        let names: Vec<_> = Export::ALL.iter().map(|what| what.as_str()).collect();
        ApiError::parameter("what", format!("is none of {}", names.join(", ")))
    })?;
    let from = parameters.read("from")?.map(Height);
    match what {
        // Before the answer begins, for then it is too late to say so.
        Export::Records => {
            answers::records_begin(api.store(), from)?;
        }
        _ if from.is_some() => {
            let error = "only records are exported from a height on";
            return Err(ApiError::parameter("from", error));
        }
        _ => {}
    }
    let busy = |_| {
        let message = "as many exports as this node writes at once are under way";
        ApiError::new(ErrorCode::Overloaded, message)
    };
    let place = Arc::clone(&api.shared.exports);
    let place = place.try_acquire_owned().map_err(busy)?;
    let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
    let store = api.store().clone();
    tokio::task::spawn_blocking(move || {
        write(&store, what, from, Lines::new(chunks));
        drop(place);
    });
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
    Ok(([(header::CONTENT_TYPE, JSON_LINES)], body).into_response())
}

/// Writes an export; when the store fails, the last line stays out.
fn write(store: &Store, what: Export, from: Option<Height>, lines: Lines) {
    let lines = std::cell::RefCell::new(lines);
    let mut rows = 0_u64;
    let done = answers::export(
        store,
        what,
        from,
        |head| {
            let _ = lines.borrow_mut().put(&head);
        },
        |row| {
            rows += 1;
            lines.borrow_mut().put(&row)
        },
    );
    match done {
        Ok(()) => {
            let mut lines = lines.into_inner();
            let _ = lines.put(&serde_json::json!({ "rows": rows }));
            let _ = lines.flush();
        }
        Err(error) => tracing::error!(%error, "an export broke off"),
    }
}

/// Lines on their way to a reader.
struct Lines {
    chunks: mpsc::Sender<Bytes>,
    waiting: Vec<u8>,
}

impl Lines {
    fn new(chunks: mpsc::Sender<Bytes>) -> Self {
        Self {
            chunks,
            waiting: Vec::new(),
        }
    }

    /// Adds a line; breaks off once the reader is gone.
    fn put(&mut self, line: &impl Serialize) -> ControlFlow<()> {
        if serde_json::to_writer(&mut self.waiting, line).is_err() {
            return ControlFlow::Break(());
        }
        self.waiting.push(b'\n');
        if self.waiting.len() < CHUNK_BYTES {
            return ControlFlow::Continue(());
        }
        self.flush()
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let chunk = std::mem::take(&mut self.waiting);
        match self.chunks.blocking_send(chunk.into()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}
