//! What stands in a path and behind its question mark: read strictly. A parameter that the route
//! does not document is refused, so that a misspelt one is never silently ignored.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chipledger_ledger::read::AsOf;
use chipledger_schemas::api::WAIT_SECONDS_MAX;

use super::error::ApiError;
use super::routes::Parameter;

/// The parameters of a request, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let wrong = |error: axum::extract::rejection::QueryRejection| {
            ApiError::parameter("the query", error.body_text())
        };
        read.map(|Query(pairs)| Self(pairs)).map_err(wrong)
    }
}

/// The one variable part of a path.
#[derive(Clone, Debug)]
pub(super) struct PathText(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        let wrong = |error: axum::extract::rejection::PathRejection| {
            ApiError::parameter("the path", error.body_text())
        };
        read.map(|Path(text)| Self(text)).map_err(wrong)
    }
}

impl PathText {
    /// The part as a value of a type.
    pub(super) fn read<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ApiError> {
        self.0
            .parse()
            .map_err(|error| ApiError::parameter(name, error))
    }
}

impl Parameters {
    /// The text of a parameter that may be there once.
    pub(super) fn text<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, ApiError> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() {
            return Err(ApiError::parameter(name, "is given more than once"));
        }
        Ok(first)
    }

    /// Every text of a parameter that may be repeated.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(got, _)| got == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A parameter as a value of a type.
    pub(super) fn read<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|e| ApiError::parameter(name, e));
        self.text(name)?.map(parse).transpose()
    }

    /// `true` or `false`; false if it is absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.read(name)?.unwrap_or(false))
    }

    /// A count from 1 to `max`.
    pub(super) fn limit(&self, max: u64, default: u64) -> Result<u64, ApiError> {
        let limit = self.read("limit")?.unwrap_or(default);
        if (1..=max).contains(&limit) {
            return Ok(limit);
        }
        let what = format!("{limit} is not from 1 to {max}; ask for the rest with another page");
        Err(ApiError::parameter("limit", what))
    }

    /// How long to wait for a fate.
    pub(super) fn wait(&self) -> Result<Duration, ApiError> {
        let seconds: u64 = self.read("wait")?.unwrap_or(0);
        if seconds > WAIT_SECONDS_MAX {
            let what = format!("{seconds} is more than {WAIT_SECONDS_MAX} seconds; ask again");
            return Err(ApiError::parameter("wait", what));
        }
        Ok(Duration::from_secs(seconds))
    }

    /// The two times of a question.
    pub(super) fn as_of(&self) -> Result<AsOf, ApiError> {
        Ok(AsOf {
            at: self.read("at")?,
            known_at: self.read("known_at")?,
        })
    }

    /// Refuses what a route does not document.
    fn check(&self, known: &[Parameter]) -> Result<(), ApiError> {
        let unknown = self
            .0
            .iter()
            .find(|(got, _)| !known.iter().any(|parameter| parameter.name == got));
        match unknown {
            None => Ok(()),
            Some((name, _)) if known.is_empty() => {
                let what = "this route takes no parameters";
                Err(ApiError::parameter(&name.escape_debug().to_string(), what))
            }
            Some((name, _)) => {
                let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
                let what = format!(
                    "is no parameter of this route; it takes {}",
                    names.join(", ")
                );
                Err(ApiError::parameter(&name.escape_debug().to_string(), what))
            }
        }
    }
}

/// Lets a request through whose parameters the route knows.
pub(super) async fn check(
    known: &'static [Parameter],
    parameters: Result<Parameters, ApiError>,
    request: Request,
    next: Next,
) -> Response {
    match parameters.and_then(|parameters| parameters.check(known)) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}
