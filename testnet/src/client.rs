//! Asking a node over HTTP, with the patience of a load generator: waits are short, bounded and
//! chosen by the caller, because nodes are killed and paused under it.

use std::net::SocketAddr;
use std::time::Duration;

use chipledger_schemas::api::{
    BlocksAnswer, CANONICAL_BYTES, ErrorBody, ErrorCode, Health, StatusAnswer, TransactionAnswer,
};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::{Height, TransactionId};
use serde::de::DeserializeOwned;
use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// What the answer may take beyond the time that the node was asked to wait.
const MARGIN: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The node is down, paused or cut off: whether the request arrived is not known. Ask again, or
    /// another node.
    #[error("{url}: {source}")]
    Lost {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The node says no, and why.
    #[error("{url}: {} ({})", body.message, body.code)]
    Refused {
        /// What was asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// Code, message, hint.
        body: ErrorBody,
    },
}

impl NoAnswer {
    /// Whether asking again later, or elsewhere, may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            // What the rules reject stays so; the node's own refusals are about load and state.
            Self::Refused { status, body, .. } => {
                matches!(status, 408 | 429 | 500..=599) && ErrorCode::of(&body.code).is_some()
            }
        }
    }
}

/// Whether blocks come with their transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bodies {
    /// Headers and certificates only.
    Left,
    /// With the transactions.
    Shown,
}

/// An address that is one already. The usual resolver starts a thread for each request that may
/// not take forever, which costs a load generator a quarter of the machine.
#[derive(Debug)]
struct Numeric(SocketAddr);

impl Resolver for Numeric {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

/// A node's API.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    agent: Agent,
}

impl Client {
    /// The API at a URL such as `http://127.0.0.1:7071`; nothing is sent yet.
    pub fn new(url: &str) -> Self {
        let base = url.trim_end_matches('/').to_owned();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(2)))
            .max_idle_connections_per_host(256)
            .max_idle_connections(1_024)
            .build();
        let address = base.strip_prefix("http://").map(str::parse);
        let agent = match address {
            Some(Ok(address)) => {
                Agent::with_parts(config, DefaultConnector::default(), Numeric(address))
            }
            _ => config.new_agent(),
        };
        Self { base, agent }
    }

    /// The same node over connections of its own: threads that share none do not wait for each
    /// other.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::new(&self.base)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Asks for JSON; the whole answer must arrive within `patience`.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn get<T: DeserializeOwned>(&self, path: &str, patience: Duration) -> Result<T, NoAnswer> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.get(&url).config();
        let answered = request.timeout_global(Some(patience)).build().call();
        read(url, answered)
    }

    /// Submits a transaction and waits for its fate, at most `wait` (whole seconds).
    ///
    /// # Errors
    /// [`NoAnswer`]; a transaction that the rules reject is refused with status 422.
    pub fn submit(&self, bytes: &[u8], wait: Duration) -> Result<TransactionAnswer, NoAnswer> {
        let url = format!("{}/v1/transactions?wait={}", self.base, wait.as_secs());
        let request = self.agent.post(&url).content_type(CANONICAL_BYTES).config();
        let request = request.timeout_global(Some(wait + MARGIN)).build();
        read(url, request.send(bytes))
    }

    /// What became of a transaction; waits for it at most `wait` (whole seconds).
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn fate(&self, id: &TransactionId, wait: Duration) -> Result<TransactionAnswer, NoAnswer> {
        let path = format!("/v1/transactions/{id}?wait={}", wait.as_secs());
        self.get(&path, wait + MARGIN)
    }

    /// Ledger and node.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn status(&self) -> Result<StatusAnswer, NoAnswer> {
        self.get("/v1/status", MARGIN)
    }

    /// Whether the node takes transactions; a node that does not says why.
    ///
    /// # Errors
    /// [`NoAnswer::Lost`].
    pub fn ready(&self) -> Result<Health, NoAnswer> {
        let url = format!("{}/v1/ready", self.base);
        let request = self.agent.get(&url).config();
        let answered = request.timeout_global(Some(MARGIN)).build().call();
        let mut response = answered.map_err(|source| lost(&url, source))?;
        response
            .body_mut()
            .read_json()
            .map_err(|source| lost(&url, source))
    }

    /// The genesis document.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn genesis(&self) -> Result<Genesis, NoAnswer> {
        self.get("/v1/genesis", MARGIN)
    }

    /// A page of blocks from a height on.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn blocks(
        &self,
        from: Height,
        limit: u64,
        bodies: Bodies,
    ) -> Result<BlocksAnswer, NoAnswer> {
        let shown = bodies == Bodies::Shown;
        let path = format!("/v1/blocks?from={from}&limit={limit}&transactions={shown}");
        self.get(&path, Duration::from_secs(30))
    }
}

fn lost(url: &str, source: ureq::Error) -> NoAnswer {
    NoAnswer::Lost {
        url: url.to_owned(),
        source: Box::new(source),
    }
}

fn read<T: DeserializeOwned>(
    url: String,
    answered: Result<Response<Body>, ureq::Error>,
) -> Result<T, NoAnswer> {
    let mut response = answered.map_err(|source| lost(&url, source))?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    if (200..300).contains(&status) {
        return body.read_json().map_err(|source| lost(&url, source));
    }
    match body.read_json() {
        Ok(body) => Err(NoAnswer::Refused { url, status, body }),
        Err(source) => Err(lost(&url, source)),
    }
}
