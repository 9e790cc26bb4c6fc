//! `/v1/transactions`: taking them in, and saying what became of them. `/v1/check`: what the rules
//! would say.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chipledger_ledger::answers::{self, Transactions};
use chipledger_ledger::store::Store;
use chipledger_ledger::verify::VerifiedTransaction;
use chipledger_schemas::api::{CheckAnswer, Fate, TransactionAnswer};
use chipledger_schemas::ids::TransactionId;
use chipledger_schemas::transaction::Transaction;

use super::body::{self, Form};
use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::routes::{Method, Parameter, Route, Shape, takes};
use super::{Api, now};

const WAIT: Parameter = takes(
    "wait",
    "seconds to wait for the fate, at most 60; the answer comes earlier if the fate is known",
);

/// Bodies of at least so many bytes are read on a thread that may block.
const LARGE_BYTES: usize = 16 * 1024;
/// The JSON form takes more room than canonical bytes; hexadecimal digests alone twice as much.
const JSON_TIMES: usize = 6;
/// The most transactions that are checked at once.
const CHECKED_MAX: usize = 1_000;
/// The most bytes of a body of transactions to check.
const CHECKED_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/v1/transactions",
            about: "Takes a signed transaction in: 202 accepted, 200 final, 422 rejected by the \
                rules. Sending the same one again is safe.",
            parameters: &[WAIT],
            body: Some("Transaction"),
            answer: Shape::Json("TransactionAnswer"),
            handler: post(submit),
        },
        Route {
            method: Method::Get,
            path: "/v1/transactions/{id}",
            about: "What became of a transaction: pending, final, rejected, expired or unknown.",
            parameters: &[WAIT],
            body: None,
            answer: Shape::Json("TransactionAnswer"),
            handler: get(fate),
        },
        Route {
            method: Method::Post,
            path: "/v1/check",
            about: "What the rules would say to each of a list of signed transactions, one after \
                the other on the present state. Nothing is written.",
            parameters: &[],
            body: Some("Transactions"),
            answer: Shape::Json("CheckAnswers"),
            handler: post(check),
        },
    ]
}

async fn submit(
    State(api): State<Api>,
    parameters: Parameters,
    request: Request,
) -> Result<Response, ApiError> {
    let answered = take(&api, &parameters, request).await;
    if let Err(error) = &answered {
        api.desk().refused(error.code());
    }
    answered
}

async fn take(api: &Api, parameters: &Parameters, request: Request) -> Result<Response, ApiError> {
    let wait = parameters.wait()?;
    let form = body::form(&request)?;
    let canonical = api.store().genesis().bounds.transaction_bytes_max;
    let canonical = usize::try_from(canonical).unwrap_or(usize::MAX);
    let max = match form {
        Form::Canonical => canonical,
        Form::Json => canonical.saturating_mul(JSON_TIMES),
    };
    let bytes = body::read(api, request, max).await?;
    let verified = if bytes.len() < LARGE_BYTES {
        verify(api.store(), form, &bytes)?
    } else {
        api.intake(move |store| verify(store, form, &bytes)).await?
    };
    let id = verified.id();
    if api.store().is_final(&id)?
        && let Some(fate) = api.settled_in_store(id)?
    {
        return Ok(api.told(id, true, fate));
    }
    let accepted = api.desk().submit(verified).await?;
    let fate = if accepted.fate.is_open() {
        api.await_fate(id, wait, accepted.fate).await?
    } else {
        accepted.fate
    };
    match ApiError::of_fate(&fate) {
        Some(error) => Err(error),
        None => Ok(api.told(id, accepted.known_before, fate)),
    }
}

fn verify(store: &Store, form: Form, bytes: &[u8]) -> Result<VerifiedTransaction, ApiError> {
    let (genesis, bounds) = (store.genesis_hash(), store.genesis().bounds);
    let verified = match form {
        Form::Canonical => VerifiedTransaction::from_bytes(bytes, &genesis, &bounds),
        Form::Json => VerifiedTransaction::verify(body::json(bytes)?, &genesis, &bounds),
    };
    verified.map_err(|rejection| ApiError::rule(rejection.told()))
}

async fn fate(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let id: TransactionId = path.read("id")?;
    let wait = parameters.wait()?;
    let fate = match api.settled_in_store(id)? {
        Some(fate) => fate,
        None => {
            let fate = api.desk().fate(&id);
            api.await_fate(id, wait, fate).await?
        }
    };
    let answer = api.answer(id, true, fate);
    Ok(Json(answer).into_response())
}

impl Api {
    /// The fate of a transaction that is in a block.
    fn settled_in_store(&self, id: TransactionId) -> Result<Option<Fate>, ApiError> {
        // Two rows by key: quicker than a change of threads.
        final_fate(self.store(), id)
    }

    /// Waits for the fate of a transaction that is pending, at most for a time.
    async fn await_fate(
        &self,
        id: TransactionId,
        wait: Duration,
        known: Fate,
    ) -> Result<Fate, ApiError> {
        let pending = matches!(known, Fate::Pending { .. });
        if !pending || wait.is_zero() {
            return Ok(known);
        }
        let mut stopping = self.shared.stopping.clone();
        let settled = tokio::select! {
            settled = self.desk().settled(&id) => Some(settled),
            () = tokio::time::sleep(wait) => None,
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        match settled {
            Some(settled) if !settled.is_open() => Ok(settled),
            // It may have become final and been forgotten between the two looks.
            _ => Ok(match self.settled_in_store(id)? {
                Some(fate) => fate,
                None => self.desk().fate(&id),
            }),
        }
    }

    fn answer(&self, id: TransactionId, known_before: bool, fate: Fate) -> TransactionAnswer {
        TransactionAnswer {
            id,
            node_height: self.store().head().header.height,
            known_before,
            fate,
        }
    }

    fn told(&self, id: TransactionId, known_before: bool, fate: Fate) -> Response {
        let status = match fate {
            Fate::Final { .. } => StatusCode::OK,
            _ => StatusCode::ACCEPTED,
        };
        (status, Json(self.answer(id, known_before, fate))).into_response()
    }
}

/// The fate of a transaction that is in a block of a store; `None` if it is in none.
pub(super) fn final_fate(store: &Store, id: TransactionId) -> Result<Option<Fate>, ApiError> {
    let spot = store.view().transaction_spot(&id)?;
    let Some((height, index)) = spot else {
        return Ok(None);
    };
    let block = answers::block(store, height, Transactions::Left)?;
    let block =
        block.ok_or_else(|| ApiError::before_history(height, store.head().header.height))?;
    Ok(Some(Fate::Final {
        height,
        index,
        block: block.hash,
    }))
}

async fn check(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<Vec<CheckAnswer>>, ApiError> {
    let form = body::form(&request)?;
    if form != Form::Json {
        let message = "a list of transactions is read as JSON only";
        let code = chipledger_schemas::api::ErrorCode::UnsupportedMediaType;
        return Err(ApiError::new(code, message));
    }
    let bytes = body::read(&api, request, CHECKED_BYTES_MAX).await?;
    let told = api.question(move |store| check_all(store, &bytes)).await?;
    Ok(Json(told))
}

fn check_all(store: &Store, bytes: &[u8]) -> Result<Vec<CheckAnswer>, ApiError> {
    let transactions: Vec<Transaction> = body::json(bytes)?;
    if transactions.len() > CHECKED_MAX {
        let message = format!("more than {CHECKED_MAX} transactions to check at once");
        let code = chipledger_schemas::api::ErrorCode::BadBody;
        return Err(ApiError::new(code, message));
    }
    let ids: Vec<_> = transactions.iter().map(Transaction::id).collect();
    let told = answers::trial(store, transactions, now())?;
    let answer = |(id, result): (TransactionId, Result<(), _>)| CheckAnswer {
        id,
        rejection: result
            .err()
            .map(|rejection: chipledger_ledger::rejection::Rejection| rejection.told()),
    };
    Ok(ids.into_iter().zip(told).map(answer).collect())
}
