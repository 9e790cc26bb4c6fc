//! `/v1/events`: one server-sent event per committed block, its id the height.
//!
//! A client that comes back with `Last-Event-ID` goes on with the next height: events are read from
//! the store, never from a queue, so none is lost and none waits for a slow client. A client that
//! falls too far behind is told so and let go.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chipledger_ledger::answers::{self, Transactions};
use chipledger_ledger::store::Store;
use chipledger_schemas::api::{BlockEvent, ErrorCode};
use chipledger_schemas::ids::Height;
use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Api;
use super::error::ApiError;
use super::parameters::Parameters;
use super::routes::{Method, Parameter, Route, Shape, takes};

/// Heights that a client may fall behind once it has caught up.
const BEHIND_MAX: u64 = 1_000;
/// Events that are read at once.
const READ_AT_ONCE: u64 = 100;
/// Events that are kept in memory, so that many clients cost one reading.
const RECENT_MAX: usize = 1_024;

const PARAMETERS: &[Parameter] = &[takes(
    "after",
    "begin behind this height, for clients that cannot send Last-Event-ID; the last one if \
             absent",
)];

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: Method::Get,
        path: "/v1/events",
        about: "Server-sent events: `block` for each committed block (a BlockEvent), its id the \
            height; `dropped`, the last one of a client that is too slow. Resumes behind the \
            height in Last-Event-ID.",
        parameters: PARAMETERS,
        body: None,
        answer: Shape::Other("text/event-stream"),
        handler: get(events),
    }]
}

/// Events of recent blocks.
#[derive(Default)]
pub(super) struct Recent(Mutex<BTreeMap<Height, BlockEvent>>);

impl Recent {
    /// The event of a block; `None` if the store does not hold it.
    fn event(&self, store: &Store, height: Height) -> Result<Option<BlockEvent>, ApiError> {
        let recent = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = recent().get(&height) {
            return Ok(Some(*event));
        }
        let Some(block) = answers::block(store, height, Transactions::Shown)? else {
            return Ok(None);
        };
        let event = BlockEvent {
            height,
            hash: block.hash,
            time: block.header.time,
            transactions: block.transactions.map_or(0, |inside| inside.len() as u64),
        };
        let mut recent = recent();
        recent.insert(height, event);
        if recent.len() > RECENT_MAX {
            recent.pop_first();
        }
        Ok(Some(event))
    }
}

async fn events(
    State(api): State<Api>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let head = api.store().head().header.height;
    let last_seen = headers.get("last-event-id").map(|value| {
        let text = value.to_str().unwrap_or("not text");
        text.parse()
            .map_err(|error| ApiError::parameter("Last-Event-ID", error))
    });
    let after = match last_seen.transpose()? {
        Some(height) => Some(height),
        None => parameters.read("after")?,
    };
    let after = after.map_or(head, Height);
    if after > head {
        let message = format!("height {after} is above the last one, {head}");
        return Err(ApiError::new(ErrorCode::BeyondHead, message));
    }
    let first = api.desk().status().first_height;
    if after.next() < first {
        return Err(ApiError::before_history(after.next(), first));
    }
    let busy = |_| {
        let message = "as many clients as this node serves follow its events";
        ApiError::new(ErrorCode::Overloaded, message)
    };
    let place = Arc::clone(&api.shared.event_clients);
    let place = place.try_acquire_owned().map_err(busy)?;
    let heartbeat = KeepAlive::new().interval(api.shared.limits.heartbeat);
    let client = Client {
        committed: api.desk().committed(),
        stopping: api.shared.stopping.clone(),
        api,
        next: after.next(),
        ready: Vec::new(),
        caught_up: false,
        ended: false,
        _place: place,
    };
    Ok(Sse::new(follow(client))
        .keep_alive(heartbeat)
        .into_response())
}

/// One client of the stream.
struct Client {
    api: Api,
    committed: watch::Receiver<Height>,
    stopping: watch::Receiver<bool>,
    next: Height,
    /// Events read and not sent, last one first.
    ready: Vec<BlockEvent>,
    caught_up: bool,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

fn follow(client: Client) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(client, |mut client| async move {
        let event = client.event().await?;
        Some((Ok(event), client))
    })
}

impl Client {
    /// The next event; `None` once the stream is over.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(block) = self.ready.pop() {
                return Some(shown(&block));
            }
            let head = *self.committed.borrow_and_update();
            if self.next > head {
                self.caught_up = true;
                self.wait().await;
                continue;
            }
            let behind = head.0 - self.next.0;
            if self.caught_up && behind > BEHIND_MAX {
                return Some(self.dropped(&format!("{behind} blocks behind: read faster")));
            }
            if let Err(error) = self.read(head).await {
                return Some(self.dropped(error.code()));
            }
        }
    }

    /// Waits for a block, or for the end of the server.
    async fn wait(&mut self) {
        tokio::select! {
            changed = self.committed.changed() => self.ended |= changed.is_err(),
            _ = self.stopping.wait_for(|stop| *stop) => self.ended = true,
        }
    }

    async fn read(&mut self, head: Height) -> Result<(), ApiError> {
        let last = Height(head.0.min(self.next.0.saturating_add(READ_AT_ONCE - 1)));
        let (api, from) = (self.api.clone(), self.next);
        let read = tokio::task::spawn_blocking(move || {
            let shared = &api.shared;
            let heights = (from.0..=last.0).rev();
            heights
                .map(|height| {
                    let event = shared.recent.event(&shared.store, Height(height))?;
                    event.ok_or_else(|| ApiError::before_history(Height(height), last))
                })
                .collect::<Result<Vec<_>, ApiError>>()
        });
        self.ready = read
            .await
            .unwrap_or_else(|error| Err(super::panicked(&error)))?;
        self.next = last.next();
        Ok(())
    }

    /// The last event: why the client is let go, and how it goes on.
    fn dropped(&mut self, why: &str) -> Event {
        self.ended = true;
        let data = serde_json::json!({
            "why": why,
            "hint": "Connect again with Last-Event-ID, the id of the last block event.",
        });
        Event::default().event("dropped").data(data.to_string())
    }
}

fn shown(block: &BlockEvent) -> Event {
    let event = Event::default().id(block.height.to_string()).event("block");
    // A block event is plain data: it serializes.
    event
        .json_data(block)
        .unwrap_or_else(|_| Event::default().event("block"))
}
