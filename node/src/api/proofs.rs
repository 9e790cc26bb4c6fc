//! `/v1/proofs`: proof files, as of the last height, that anyone can check without this node.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use chipledger_ledger::answers;
use chipledger_ledger::prove::{Question, Since, dimension, prove};
use chipledger_schemas::api::CANONICAL_BYTES;
use chipledger_schemas::ids::{Height, ItemId};

use super::Api;
use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::routes::{Method, Parameter, Route, Shape, takes};

const CHECKPOINT: &[Parameter] = &[takes(
    "checkpoint",
    "begin at this height, whose block hash the checker has pinned, instead of at genesis",
)];

pub(super) fn routes() -> Vec<Route> {
    let route = |path, about, handler: MethodRouter<Api>| Route {
        method: Method::Get,
        path,
        about,
        parameters: CHECKPOINT,
        body: None,
        answer: Shape::Other(CANONICAL_BYTES),
        handler,
    };
    vec![
        route(
            "/v1/proofs/item/{id}",
            "Proof of where an item is and what holds of it, with its containers.",
            get(item),
        ),
        route(
            "/v1/proofs/absent/{id}",
            "Proof that no item has an id.",
            get(absent),
        ),
        route(
            "/v1/proofs/journey/{id}",
            "Proof of every record that named an item, or what contained it.",
            get(journey),
        ),
        route(
            "/v1/proofs/totals/{dimension}",
            "Proof of the complete pooled compute of US, world, site=S, owner=M or parent=M.",
            get(totals),
        ),
        route(
            "/v1/proofs/equivocation/{id}",
            "Evidence that a validator's key signed two different things at one step.",
            get(equivocation),
        ),
        route(
            "/v1/proofs/book",
            "Proof of every account: from them any table can be computed.",
            get(book),
        ),
    ]
}

fn id(path: &PathText) -> Result<ItemId, ApiError> {
    answers::item_id(&path.0).map_err(|error| ApiError::parameter("id", error))
}

async fn item(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    api.proof(Question::Item(id(&path)?), &parameters).await
}

async fn absent(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    api.proof(Question::Absent(id(&path)?), &parameters).await
}

async fn journey(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    api.proof(Question::Journey(id(&path)?), &parameters).await
}

async fn totals(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let of = dimension(&path.0).map_err(|error| ApiError::parameter("dimension", error))?;
    api.proof(Question::Totals(of), &parameters).await
}

async fn equivocation(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let question = Question::Equivocation(path.read("id")?);
    api.proof(question, &parameters).await
}

async fn book(State(api): State<Api>, parameters: Parameters) -> Result<Response, ApiError> {
    api.proof(Question::Book, &parameters).await
}

impl Api {
    /// The bytes of a proof file.
    async fn proof(
        &self,
        question: Question,
        parameters: &Parameters,
    ) -> Result<Response, ApiError> {
        let checkpoint = parameters.read("checkpoint")?;
        let since = checkpoint.map_or(Since::Genesis, |height| Since::Checkpoint(Height(height)));
        let asked = move |store: &_| prove(store, &question, since).map(|file| file.bytes());
        let bytes = self.question(asked).await?;
        Ok(([(header::CONTENT_TYPE, CANONICAL_BYTES)], bytes).into_response())
    }
}
