//! The HTTP API of a node: `/v1`, `/metrics`.
//!
//! ```text
//! connection (bounded, idle ones closed) -> route table -> parameters checked -> handler
//!      handler -> question on a bounded number of blocking threads -> ledger::answers -> JSON
//!      handler -> Desk (mempool, consensus, network) for what is under way
//! ```
//!
//! The API holds no state of its own but bounds. It reads the store, and asks a [`Desk`] for what
//! only a running node knows. Errors become HTTP in `error.rs` alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chipledger_analysis::Shelf;
use chipledger_ledger::store::Store;
use chipledger_schemas::api::ErrorCode;
use chipledger_schemas::time::Time;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

mod blocks;
mod body;
mod compute;
mod connection;
mod desk;
mod error;
mod events;
mod export;
mod items;
pub mod narrow;
mod openapi;
mod parameters;
mod proofs;
mod routes;
pub mod solo;
mod status;
mod transactions;

pub use desk::{Accepted, Desk, Refused};
pub use error::ApiError;
pub use openapi::document;

/// How much one server does at once. The defaults suit a node on two cores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most connections; more wait to be accepted.
    pub connections: usize,
    /// Most questions under way on blocking threads; more are refused.
    pub questions: usize,
    /// Most exports under way; more are refused.
    pub exports: usize,
    /// Most clients of the event stream; more are refused.
    pub event_clients: usize,
    /// Longest that a question takes.
    pub question_time: Duration,
    /// Longest that a body takes to arrive.
    pub body_time: Duration,
    /// A connection without a byte either way for so long is closed.
    pub idle_time: Duration,
    /// Time between signs of life on an event stream.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            questions: 16,
            exports: 2,
            event_clients: 64,
            question_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            idle_time: Duration::from_mins(2),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// What the API serves.
#[derive(Clone)]
pub struct ApiContext {
    /// The ledger.
    pub store: Store,
    /// The node behind it.
    pub desk: Arc<dyn Desk>,
    /// Bounds.
    pub limits: Limits,
}

/// Large transactions that are read at once; more wait for their turn.
const INTAKE: usize = 4;

/// Longest that requests under way may take when the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens: with the port that was chosen, if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets requests under way finish, and stops.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if tokio::time::timeout(STOP_TIME, &mut self.task)
            .await
            .is_err()
        {
            tracing::warn!("some clients did not finish in time and were cut off");
            self.task.abort();
        }
    }
}

/// Binds an address and serves the API there.
///
/// # Errors
/// When the address cannot be bound: choose another one.
pub async fn serve(listen: SocketAddr, context: ApiContext) -> std::io::Result<Server> {
    let limits = context.limits;
    serve_router(listen, limits, |stopping| {
        routes::router(Api::new(context, stopping))
    })
    .await
}

/// Binds an address and serves a router there.
async fn serve_router(
    listen: SocketAddr,
    limits: Limits,
    router: impl FnOnce(watch::Receiver<bool>) -> axum::Router,
) -> std::io::Result<Server> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let router = router(stopping.clone());
    let listener = connection::Bounded::new(listener, limits);
    let task = tokio::spawn(async move {
        let ended = axum::serve(listener, router).with_graceful_shutdown(stopped(stopping));
        if let Err(error) = ended.await {
            tracing::error!(%error, "the API has stopped");
        }
    });
    Ok(Server {
        address,
        stop,
        task,
    })
}

/// Returns once the server is to stop.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// What handlers share.
#[derive(Clone)]
struct Api {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    /// The book, for questions about the past.
    shelf: Arc<Shelf>,
    desk: Arc<dyn Desk>,
    limits: Limits,
    questions: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    intake: Semaphore,
    event_clients: Arc<Semaphore>,
    recent: events::Recent,
    stopping: watch::Receiver<bool>,
}

impl Api {
    fn new(context: ApiContext, stopping: watch::Receiver<bool>) -> Self {
        let ApiContext {
            store,
            desk,
            limits,
        } = context;
        Self {
            shared: Arc::new(Shared {
                shelf: Arc::new(Shelf::new(store.clone())),
                store,
                desk,
                limits,
                questions: Arc::new(Semaphore::new(limits.questions)),
                exports: Arc::new(Semaphore::new(limits.exports)),
                intake: Semaphore::new(INTAKE),
                event_clients: Arc::new(Semaphore::new(limits.event_clients)),
                recent: events::Recent::default(),
                stopping,
            }),
        }
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The book of the ledger, to be asked by a question.
    fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shared.shelf)
    }

    fn desk(&self) -> &dyn Desk {
        &*self.shared.desk
    }

    /// Reads something large on a thread that may block; waits for its turn.
    async fn intake<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = self.shared.intake.acquire().await;
        let store = self.store().clone();
        let read = tokio::task::spawn_blocking(move || read(&store)).await;
        drop(turn);
        read.unwrap_or_else(|error| Err(panicked(&error)))
    }

    /// Answers a question on a thread that may block; refuses it if too many are under way. A
    /// question that takes too long keeps its place until it is done, so that the bound holds.
    async fn question<T, E>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        let busy = |_| {
            let message = "as many questions as this node answers at once are under way";
            ApiError::new(ErrorCode::Overloaded, message)
        };
        let place = Arc::clone(&self.shared.questions);
        let place = place.try_acquire_owned().map_err(busy)?;
        let store = self.store().clone();
        let answering = tokio::task::spawn_blocking(move || {
            let answer = ask(&store);
            drop(place);
            answer
        });
        let limit = self.shared.limits.question_time;
        match tokio::time::timeout(limit, answering).await {
            Ok(Ok(answer)) => answer.map_err(Into::into),
            Ok(Err(error)) => Err(panicked(&error)),
            Err(_) => {
                let message = format!("no answer within {} s", limit.as_secs());
                Err(ApiError::new(ErrorCode::TookTooLong, message))
            }
        }
    }
}

/// A piece of work that panicked.
fn panicked(error: &tokio::task::JoinError) -> ApiError {
    tracing::error!(%error, "a request panicked");
    ApiError::new(ErrorCode::Internal, "the request could not be answered")
}

/// The wall clock; the epoch if it is set before that.
fn now() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(elapsed.as_millis()).unwrap_or(0))
}
