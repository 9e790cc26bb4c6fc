//! `/v1/status`, `/v1/health`, `/v1/ready`, `/metrics`, `/v1/openapi.json`: the node itself.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chipledger_ledger::answers;
use chipledger_schemas::api::{Health, StatusAnswer};
use chipledger_schemas::genesis::Clock;

use super::error::ApiError;
use super::routes::{Method, Route, Shape};
use super::{Api, now, openapi};

/// The media type of `OpenMetrics` text.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Vec<Route> {
    let route = |path, about, answer, handler| Route {
        method: Method::Get,
        path,
        about,
        parameters: &[],
        body: None,
        answer,
        handler,
    };
    vec![
        route(
            "/v1/status",
            "Ledger, height, age of the last block, role, peers, mempool, what is wrong.",
            Shape::Json("StatusAnswer"),
            get(status),
        ),
        route(
            "/v1/health",
            "200 while the program lives.",
            Shape::Json("Health"),
            get(health),
        ),
        route(
            "/v1/ready",
            "200 while the node takes transactions; 503 with the reason otherwise.",
            Shape::Json("Health"),
            get(ready),
        ),
        route(
            "/metrics",
            "Metrics for Prometheus.",
            Shape::Other("application/openmetrics-text"),
            get(metrics),
        ),
        route(
            "/v1/openapi.json",
            "This document.",
            Shape::Other("application/json"),
            get(document),
        ),
    ]
}

async fn status(State(api): State<Api>) -> Result<Json<StatusAnswer>, ApiError> {
    let node = api.desk().status();
    let ledger = api.question(answers::status).await?;
    let age_ms = match ledger.clock {
        Clock::Wall => Some(now().since_ms(ledger.block_time)),
        Clock::Replay => None,
    };
    Ok(Json(StatusAnswer {
        ledger,
        age_ms,
        node,
    }))
}

async fn health(State(api): State<Api>) -> Json<Health> {
    Json(Health {
        ok: true,
        why: None,
        height: api.store().head().header.height,
    })
}

async fn ready(State(api): State<Api>) -> Response {
    let node = api.desk().status();
    let syncing = node
        .syncing
        .then(|| "the node is catching up with the others".to_owned());
    let why = node.halted.or(syncing);
    let status = match why {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let health = Health {
        ok: why.is_none(),
        why,
        height: api.store().head().header.height,
    };
    (status, Json(health)).into_response()
}

async fn metrics(State(api): State<Api>) -> Result<Response, ApiError> {
    // It looks at files: not on a thread that others wait for.
    let text = tokio::task::spawn_blocking(move || api.desk().metrics()).await;
    let text = text.map_err(|error| super::panicked(&error))?;
    Ok(([(header::CONTENT_TYPE, METRICS)], text).into_response())
}

async fn document() -> Json<serde_json::Value> {
    Json(openapi::document())
}
