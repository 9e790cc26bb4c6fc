//! `/v1/compute`: pooled compute by a dimension, now or as of a moment.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use chipledger_ledger::answers::{self, Pooled};
use chipledger_ledger::read::balances::{By, ComputeQuery, Filter};
use chipledger_schemas::api::Answer;

use super::Api;
use super::error::ApiError;
use super::parameters::Parameters;
use super::routes::{AT, KNOWN_AT, Method, Parameter, Route, Shape, takes};

/// Filters of one question.
const FILTERS_MAX: usize = 16;

const PARAMETERS: &[Parameter] = &[
    takes(
        "by",
        "jurisdiction, site, holder, owner, parent, user, status or model; jurisdiction if absent",
    ),
    takes(
        "metric",
        "by what concentration is counted: tpp, h100e, fp16, memory or count; tpp if absent",
    ),
    takes(
        "where",
        "only what is so in another dimension, such as status=installed; may be repeated",
    ),
    AT,
    KNOWN_AT,
];

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: Method::Get,
        path: "/v1/compute",
        about: "Pooled compute summed by a dimension, with its concentration.",
        parameters: PARAMETERS,
        body: None,
        answer: Shape::Answer("Pooled"),
        handler: get(compute),
    }]
}

async fn compute(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<Pooled>>, ApiError> {
    let filters: Vec<Filter> = parameters
        .all("where")
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| ApiError::parameter("where", error))?;
    if filters.len() > FILTERS_MAX {
        let what = format!("is given more than {FILTERS_MAX} times");
        return Err(ApiError::parameter("where", what));
    }
    let query = ComputeQuery {
        by: parameters.read("by")?.unwrap_or(By::Jurisdiction),
        as_of: parameters.as_of()?,
        filters,
    };
    let metric = parameters.read("metric")?.unwrap_or_default();
    let asked = move |store: &_| answers::compute(store, &query, metric);
    api.question(asked).await.map(Json)
}
