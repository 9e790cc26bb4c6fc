//! The HTTP client of a node: blocking, every wait bounded, nothing retried without an end.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use chipledger_schemas::api::{CANONICAL_BYTES, ErrorBody, ErrorCode, RuleRejection};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::GenesisHash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::error::{Class, Failure};

/// Longest that a connection takes.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Longest that an answer takes to begin: longer than the longest wait for a fate.
const ANSWER_TIME: Duration = Duration::from_secs(90);
/// Most bytes of an answer that is read whole: above any proof file.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a node gave no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// It says why.
    Told {
        /// Code, message and hint.
        body: ErrorBody,
        /// Who says it.
        by: Voice,
        /// Seconds to wait before it is tried again, if that may help.
        retry_after: Option<u64>,
    },
    /// The connection broke or never was: whether the request arrived is not known.
    Lost(Failure),
    /// Something answered that is no node of this API.
    Strange(Failure),
}

/// Who says no: some codes are of both, so the status decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// The ledger's rules: status 422.
    Rules,
    /// The node.
    Node,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: String,
    genesis: Box<Genesis>,
    genesis_hash: GenesisHash,
}

impl Client {
    /// Asks a node for its ledger. The hash that names the ledger is computed here, from the
    /// document, and compared with `pin`: what a node says of itself is not believed.
    ///
    /// # Errors
    /// When it cannot be reached, or is of another ledger.
    pub fn connect(url: &str, pin: Option<GenesisHash>) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/').to_owned();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIME))
            .timeout_recv_response(Some(ANSWER_TIME))
            .build()
            .new_agent();
        let genesis: Genesis = get(&agent, &format!("{base}/v1/genesis"))?;
        let genesis_hash = genesis.hash();
        if let Some(pin) = pin.filter(|pin| *pin != genesis_hash) {
            return Err(Failure::usage(
                format!("{base} is of the ledger {genesis_hash}, not of {pin}"),
                "Ask a node of the ledger that you mean, or correct --genesis.",
            ));
        }
        Ok(Self {
            agent,
            base,
            genesis: Box::new(genesis),
            genesis_hash,
        })
    }

    /// The genesis document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Names the ledger.
    pub fn genesis_hash(&self) -> GenesisHash {
        self.genesis_hash
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// As [`NoAnswer`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NoAnswer> {
        get(&self.agent, &format!("{}{path}", self.base))
    }

    /// Asks for bytes.
    ///
    /// # Errors
    /// As [`NoAnswer`].
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>, NoAnswer> {
        let url = format!("{}{path}", self.base);
        let mut response = told(&url, self.agent.get(&url).call())?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_vec().map_err(|error| lost(&url, &error))
    }

    /// Asks for lines, read one by one.
    ///
    /// # Errors
    /// As [`NoAnswer`].
    pub fn lines(
        &self,
        path: &str,
    ) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>, NoAnswer> {
        let url = format!("{}{path}", self.base);
        let response = told(&url, self.agent.get(&url).call())?;
        Ok(BufReader::new(response.into_body().into_reader()).lines())
    }

    /// Sends canonical bytes.
    ///
    /// # Errors
    /// As [`NoAnswer`].
    pub fn post_bytes<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> Result<T, NoAnswer> {
        let url = format!("{}{path}", self.base);
        let sent = self.agent.post(&url).content_type(CANONICAL_BYTES);
        read(&url, told(&url, sent.send(bytes))?)
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// As [`NoAnswer`].
    pub fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, NoAnswer> {
        let url = format!("{}{path}", self.base);
        read(&url, told(&url, self.agent.post(&url).send_json(body))?)
    }
}

fn get<T: DeserializeOwned>(agent: &Agent, url: &str) -> Result<T, NoAnswer> {
    read(url, told(url, agent.get(url).call())?)
}

fn read<T: DeserializeOwned>(url: &str, mut response: Response<Body>) -> Result<T, NoAnswer> {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    match body.read_json() {
        Ok(value) => Ok(value),
        Err(ureq::Error::Json(error)) => Err(NoAnswer::Strange(strange(url, &error.to_string()))),
        Err(error) => Err(lost(url, &error)),
    }
}

/// The answer of a node, or what it says instead.
fn told(
    url: &str,
    answered: Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, NoAnswer> {
    let mut response = answered.map_err(|error| lost(url, &error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status();
    let by = match status.as_u16() {
        422 => Voice::Rules,
        _ => Voice::Node,
    };
    match response.body_mut().read_json::<ErrorBody>() {
        Ok(body) => Err(NoAnswer::Told {
            body,
            by,
            retry_after,
        }),
        Err(_) => Err(NoAnswer::Strange(strange(url, &format!("status {status}")))),
    }
}

fn strange(url: &str, what: &str) -> Failure {
    Failure::new(
        Class::Unreachable,
        format!("{url} does not answer as a node does: {what}"),
        "Check --node: the address of a node's API, such as http://localhost:7070.",
    )
}

fn lost(url: &str, error: &ureq::Error) -> NoAnswer {
    let message = format!("{url}: {error}");
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            let hint = "Write the address of a node's API, such as http://localhost:7070.";
            NoAnswer::Strange(Failure::usage(message, hint))
        }
        ureq::Error::Timeout(_) => NoAnswer::Lost(Failure::new(
            Class::Unreachable,
            message,
            "The node did not answer in time: ask again, or another node.",
        )),
        _ => NoAnswer::Lost(Failure::new(
            Class::Unreachable,
            message,
            "Check --node and whether the node runs there, or ask another node.",
        )),
    }
}

impl NoAnswer {
    /// Whether it is this refusal.
    pub fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Told { body, by: Voice::Node, .. } if body.code == code.as_str())
    }

    /// What the rules say no to, if they do.
    pub fn rule(&self) -> Option<RuleRejection> {
        match self {
            Self::Told {
                body,
                by: Voice::Rules,
                ..
            } => Some(RuleRejection {
                code: body.code.clone(),
                message: body.message.clone(),
                hint: body.hint.clone(),
                record: body.record,
            }),
            _ => None,
        }
    }
}

/// One part of a path, with everything but letters, digits and `-._~:=` in its `%` form.
pub fn segment(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:=".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push_str(&hex::encode_upper([byte]));
        }
    }
    path
}

/// A query: names and values of the parameters that there are.
pub fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if let Some(value) = value {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.push_str(&segment(value));
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_address_cannot_break_out_of_their_place() {
        assert_eq!(segment("ACME:b1"), "ACME:b1");
        assert_eq!(segment("a/b?c#d%e f"), "a%2Fb%3Fc%23d%25e%20f");
        let asked = query(&[
            ("at", None),
            ("where", Some("site=A&B".into())),
            ("x", Some("+".into())),
        ]);
        assert_eq!(asked, "?where=site=A%26B&x=%2B");
    }
}
