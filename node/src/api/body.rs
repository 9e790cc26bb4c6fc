//! Bodies: bounded before they are read, timed while they are read, and of a known media type.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use chipledger_schemas::api::{CANONICAL_BYTES, ErrorCode};
use serde::de::DeserializeOwned;

use super::Api;
use super::error::ApiError;

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// The JSON form.
    Json,
    /// Canonical bytes.
    Canonical,
}

/// The form that a request says its body has.
pub(super) fn form(request: &Request) -> Result<Form, ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = given.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(Form::Json);
    }
    if media_type.eq_ignore_ascii_case(CANONICAL_BYTES) {
        return Ok(Form::Canonical);
    }
    let message = match media_type {
        "" => "the request does not say the media type of its body".to_owned(),
        other => format!("{:.80} is not read here", other.escape_debug().to_string()),
    };
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}

/// The whole body, of at most `bytes_max` bytes.
pub(super) async fn read(api: &Api, request: Request, max: usize) -> Result<Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body has more than {max} bytes");
        ApiError::new(ErrorCode::BodyTooLarge, message)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > max as u64) {
        return Err(too_large());
    }
    let limit = api.shared.limits.body_time;
    match tokio::time::timeout(limit, collect(request.into_body(), max)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(error)) => Err(ApiError::new(ErrorCode::BadBody, error.to_string())),
        Err(_) => {
            let message = format!("the body did not arrive within {} s", limit.as_secs());
            Err(ApiError::new(ErrorCode::BodyTooSlow, message))
        }
    }
}

/// The bytes of a body; `None` if there are more than `max`.
async fn collect(body: Body, max: usize) -> Result<Option<Bytes>, axum::Error> {
    use futures::StreamExt;
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part?;
        if bytes.len() + part.len() > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(bytes.into()))
}

/// A value from its JSON form.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("line {} column {}: {error}", error.line(), error.column());
        ApiError::new(ErrorCode::BadBody, message)
    })
}
