//! The only place where errors become HTTP: a status, and a body that says what happened and what
//! to do.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chipledger_ledger::prove::ProveError;
use chipledger_ledger::read::QueryError;
use chipledger_ledger::rejection::Rejection;
use chipledger_ledger::state::StateError;
use chipledger_ledger::store::StoreError;
use chipledger_schemas::api::{ErrorBody, ErrorCode, Fate, RuleRejection};
use chipledger_schemas::ids::Height;

use super::desk::Refused;

/// An answer that is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    retry_after: Option<Duration>,
}

/// Status and advice of a code.
#[allow(clippy::too_many_lines, reason = "a table: one row per code")]
fn meaning(code: ErrorCode) -> (StatusCode, &'static str) {
    use ErrorCode as E;
    use StatusCode as S;
    match code {
        E::BadParameter => (
            S::BAD_REQUEST,
            "Correct the parameter named; /v1/openapi.json lists what each route takes.",
        ),
        E::BadBody => (
            S::BAD_REQUEST,
            "Correct the place that the message names; nothing was submitted.",
        ),
        E::UnknownRoute => (S::NOT_FOUND, "See /v1/openapi.json for what is served."),
        E::ItemUnknown => (
            S::NOT_FOUND,
            "Check the id, and with `at` or `known_at` whether it was registered by then.",
        ),
        E::MemberUnknown => (S::NOT_FOUND, "Check the id of the member."),
        E::EquivocationUnknown => (S::NOT_FOUND, "Check the id of the equivocation."),
        E::BeyondHead => (
            S::NOT_FOUND,
            "Ask for a lower height; /v1/status shows the last one.",
        ),
        E::BeforeGenesis => (S::NOT_FOUND, "Ask for a later time."),
        E::Registered => (S::NOT_FOUND, "Prove the item itself: /v1/proofs/item/ID."),
        E::NothingCertified => (
            S::NOT_FOUND,
            "Submit something first, or choose an earlier checkpoint.",
        ),
        E::ProofTooLarge => (S::NOT_FOUND, "Prove something narrower."),
        E::NarrowView => (
            S::FORBIDDEN,
            "Ask the node of a customs, regulator or inspector member.",
        ),
        E::MethodNotAllowed => (
            S::METHOD_NOT_ALLOWED,
            "See /v1/openapi.json for the methods of this path.",
        ),
        E::BodyTooSlow => (S::REQUEST_TIMEOUT, "Send it again, without pauses."),
        E::BeforeHistory => (
            S::GONE,
            "Ask from the height `first_height` on, or a node that keeps the whole history.",
        ),
        E::BodyTooLarge => (
            S::PAYLOAD_TOO_LARGE,
            "Split the records over several transactions.",
        ),
        E::UnsupportedMediaType => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "Send application/json, or canonical bytes as application/octet-stream.",
        ),
        E::MemberQuota => (
            S::TOO_MANY_REQUESTS,
            "Wait as long as Retry-After says, then send it again.",
        ),
        E::MempoolFull => (
            S::SERVICE_UNAVAILABLE,
            "Wait as long as Retry-After says, then send it again.",
        ),
        E::Overloaded => (
            S::SERVICE_UNAVAILABLE,
            "Wait as long as Retry-After says, then ask again.",
        ),
        E::TookTooLong => (
            S::SERVICE_UNAVAILABLE,
            "Ask for less at once: a filter, a limit, a later moment.",
        ),
        E::Syncing => (
            S::SERVICE_UNAVAILABLE,
            "Wait until /v1/ready says so, or ask another node.",
        ),
        E::Halted => (
            S::SERVICE_UNAVAILABLE,
            "Ask another node; tell the operator of this one.",
        ),
        E::Internal => (
            S::INTERNAL_SERVER_ERROR,
            "Ask another node, and tell the operator of this one; what was final stays so.",
        ),
    }
}

impl ApiError {
    /// An error of a code, with the facts of the case.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let (status, hint) = meaning(code);
        let busy = matches!(code, ErrorCode::Overloaded | ErrorCode::Syncing);
        Self {
            status,
            body: ErrorBody {
                code: code.as_str().to_owned(),
                message: message.into(),
                hint: hint.to_owned(),
                record: None,
                first_height: None,
            },
            retry_after: busy.then_some(Duration::from_secs(1)),
        }
    }

    /// A parameter that cannot be read.
    pub fn parameter(name: &str, what: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::BadParameter, format!("{name}: {what}"))
    }

    /// A height that this node no longer holds.
    pub fn before_history(asked: Height, first: Height) -> Self {
        let message = format!("height {asked} is not held here; the first one held is {first}");
        Self::gone(message, first)
    }

    fn gone(message: String, first: Height) -> Self {
        let mut error = Self::new(ErrorCode::BeforeHistory, message);
        error.body.first_height = Some(first);
        error
    }

    /// What the rules say no to.
    pub fn rule(rejection: RuleRejection) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: ErrorBody {
                code: rejection.code,
                message: rejection.message,
                hint: rejection.hint,
                record: rejection.record,
                first_height: None,
            },
            retry_after: None,
        }
    }

    /// A transaction that can never become final, if that is its fate.
    pub fn of_fate(fate: &Fate) -> Option<Self> {
        match fate {
            Fate::Rejected(rejection) => Some(Self::rule(rejection.clone())),
            Fate::Expired { valid_until } => {
                let code = chipledger_ledger::rejection::Code::Expired;
                let detail = format!("the window ended at {valid_until}");
                Some(Self::rule(Rejection::new(code, detail).told()))
            }
            Fate::Pending { .. } | Fate::Final { .. } | Fate::Unknown => None,
        }
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.body.code
    }

    /// Something inside failed: logged whole, told in one line.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a question could not be answered");
        Self::new(ErrorCode::Internal, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        let waiting = |code, wait| Self {
            retry_after: Some(wait),
            ..Self::new(code, message.clone())
        };
        match refused {
            Refused::Rejected(rejection) => Self::rule(rejection.told()),
            Refused::Full { retry_after } => waiting(ErrorCode::MempoolFull, retry_after),
            Refused::Quota { retry_after, .. } => waiting(ErrorCode::MemberQuota, retry_after),
            Refused::Syncing => Self::new(ErrorCode::Syncing, message),
            Refused::Halted { .. } => Self::new(ErrorCode::Halted, message),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        match error {
            QueryError::ItemUnknown { .. } => Self::new(ErrorCode::ItemUnknown, message),
            QueryError::BeyondHead { .. } => Self::new(ErrorCode::BeyondHead, message),
            QueryError::BeforeHistory { first } => Self::gone(message, first),
            QueryError::BeforeGenesis { .. } => Self::new(ErrorCode::BeforeGenesis, message),
            QueryError::Store(error) => error.into(),
            QueryError::State(error) => error.into(),
        }
    }
}

impl From<ProveError> for ApiError {
    fn from(error: ProveError) -> Self {
        let message = error.to_string();
        match error {
            ProveError::Query(error) => error.into(),
            ProveError::Registered { .. } => Self::new(ErrorCode::Registered, message),
            ProveError::NothingCertified { .. } => Self::new(ErrorCode::NothingCertified, message),
            ProveError::EquivocationUnknown { .. } => {
                Self::new(ErrorCode::EquivocationUnknown, message)
            }
            ProveError::TooLarge { .. } => Self::new(ErrorCode::ProofTooLarge, message),
            ProveError::Damaged(_) => Self::internal(&error),
            ProveError::Store(error) => error.into(),
            ProveError::State(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<StateError> for ApiError {
    fn from(error: StateError) -> Self {
        Self::internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_of_the_api_is_one_of_the_rules() {
        for code in ErrorCode::ALL {
            let of_rules = chipledger_ledger::rejection::Code::ALL.iter();
            assert!(
                of_rules
                    .into_iter()
                    .all(|rule| rule.as_str() != code.as_str()),
                "{code}"
            );
            let (status, hint) = meaning(*code);
            assert!(status.as_u16() >= 400 && hint.len() > 20, "{code}");
        }
    }
}
