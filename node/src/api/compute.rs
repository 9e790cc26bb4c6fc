//! `/v1/compute`, `/v1/concentration`, `/v1/flows`: pooled compute by one dimension or two, how
//! concentrated it is, and what came and went, now or as of a moment.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use chipledger_analysis::compute::{Pooled, Question, Rows};
use chipledger_analysis::concentration::{self, Measured};
use chipledger_analysis::flows::{self, Flows};
use chipledger_ledger::read::balances::{By, Filter};
use chipledger_schemas::api::Answer;
use chipledger_schemas::time::Time;

use super::Api;
use super::error::ApiError;
use super::parameters::Parameters;
use super::routes::{AT, KNOWN_AT, Method, Parameter, Route, Shape, takes};

/// Filters of one question.
const FILTERS_MAX: usize = 16;

const BY: Parameter = takes(
    "by",
    "jurisdiction, site, holder, owner, parent, headquarters, parent_country, user, status or \
     model; jurisdiction if absent",
);
const METRIC: Parameter = takes(
    "metric",
    "by what concentration is counted: tpp, h100e, fp16, memory or count; tpp if absent",
);
const WHERE: Parameter = takes(
    "where",
    "only what is so in another dimension, such as status=installed; may be repeated",
);

const COMPUTE: &[Parameter] = &[
    takes(
        "by",
        "jurisdiction, site, holder, owner, parent, headquarters, parent_country, user, status or \
         model, or two of them with a comma between, crossed; jurisdiction if absent",
    ),
    METRIC,
    WHERE,
    AT,
    KNOWN_AT,
];

const CONCENTRATION: &[Parameter] = &[
    BY,
    METRIC,
    WHERE,
    takes(
        "since",
        "also how HHI changed since this event time, and why",
    ),
    AT,
    KNOWN_AT,
];

const FLOWS: &[Parameter] = &[
    BY,
    WHERE,
    takes("since", "the period begins behind this event time"),
    takes("at", "the period ends with this event time; now if absent"),
    KNOWN_AT,
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/v1/compute",
            about: "Pooled compute summed by one dimension or two, with its concentration.",
            parameters: COMPUTE,
            body: None,
            answer: Shape::Answer("Pooled"),
            handler: get(compute),
        },
        Route {
            method: Method::Get,
            path: "/v1/concentration",
            about: "How concentrated pooled compute is, with bounds for what is not known.",
            parameters: CONCENTRATION,
            body: None,
            answer: Shape::Answer("Measured"),
            handler: get(concentration),
        },
        Route {
            method: Method::Get,
            path: "/v1/flows",
            about: "What came to each row and went in a period, from opening to closing.",
            parameters: FLOWS,
            body: None,
            answer: Shape::Answer("Flows"),
            handler: get(flows),
        },
    ]
}

fn filters(parameters: &Parameters) -> Result<Vec<Filter>, ApiError> {
    let filters: Vec<Filter> = parameters
        .all("where")
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| ApiError::parameter("where", error))?;
    if filters.len() > FILTERS_MAX {
        let what = format!("is given more than {FILTERS_MAX} times");
        return Err(ApiError::parameter("where", what));
    }
    Ok(filters)
}

async fn compute(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<Pooled>>, ApiError> {
    let question = Question {
        rows: parameters.read("by")?.unwrap_or(Rows {
            by: By::Jurisdiction,
            cross: None,
        }),
        as_of: parameters.as_of()?,
        filters: filters(&parameters)?,
        metric: parameters.read("metric")?.unwrap_or_default(),
    };
    let shelf = api.shelf();
    let asked = move |_: &_| shelf.compute(&question);
    api.question(asked).await.map(Json)
}

async fn concentration(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<Measured>>, ApiError> {
    let question = concentration::Question {
        by: parameters.read("by")?.unwrap_or(By::Jurisdiction),
        metric: parameters.read("metric")?.unwrap_or_default(),
        as_of: parameters.as_of()?,
        filters: filters(&parameters)?,
    };
    let since: Option<Time> = parameters.read("since")?;
    let shelf = api.shelf();
    let asked = move |_: &_| shelf.concentration(&question, since);
    api.question(asked).await.map(Json)
}

async fn flows(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<Flows>>, ApiError> {
    let since: Option<Time> = parameters.read("since")?;
    let as_of = parameters.as_of()?;
    let question = flows::Question {
        by: parameters.read("by")?.unwrap_or(By::Jurisdiction),
        since: since.ok_or_else(|| ApiError::parameter("since", "is missing"))?,
        until: as_of.at,
        known_at: as_of.known_at,
        filters: filters(&parameters)?,
    };
    let shelf = api.shelf();
    let asked = move |_: &_| shelf.flows(&question);
    api.question(asked).await.map(Json)
}
