//! `/v1/blocks`, `/v1/checkpoint`, `/v1/genesis`: the chain itself.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use chipledger_ledger::answers::{self, Transactions};
use chipledger_ledger::store::Store;
use chipledger_schemas::api::{
    BlockAnswer, BlocksAnswer, CheckpointAnswer, ErrorCode, PAGE_BLOCKS_MAX,
};
use chipledger_schemas::genesis::Genesis;
use chipledger_schemas::ids::Height;

use super::Api;
use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::routes::{Method, Parameter, Route, Shape, takes};

/// Blocks of a page, unless asked otherwise.
const PAGE_BLOCKS: u64 = 20;
/// A page ends once its transactions' records are so many, so that it stays readable.
const PAGE_RECORDS_MAX: usize = 20_000;

const TRANSACTIONS: Parameter = takes("transactions", "true: with the transactions");

const ONE: &[Parameter] = &[TRANSACTIONS];
const PAGE: &[Parameter] = &[
    takes("from", "first height; the first one held if absent"),
    takes("limit", "at most so many, 1 to 100; 20 if absent"),
    TRANSACTIONS,
];

pub(super) fn routes() -> Vec<Route> {
    let route = |path, about, parameters, answer, handler| Route {
        method: Method::Get,
        path,
        about,
        parameters,
        body: None,
        answer: Shape::Json(answer),
        handler,
    };
    vec![
        route(
            "/v1/blocks",
            "Headers with their certificates, lowest first, page by page.",
            PAGE,
            "BlocksAnswer",
            get(page),
        ),
        route(
            "/v1/blocks/{height}",
            "One block with its certificate.",
            ONE,
            "BlockAnswer",
            get(one),
        ),
        route(
            "/v1/checkpoint",
            "The last header with the quorum's signatures and the set that gave them: what an \
             outsider pins.",
            &[],
            "CheckpointAnswer",
            get(checkpoint),
        ),
        route(
            "/v1/genesis",
            "The genesis document. Whoever trusts it compares its hash with the one known.",
            &[],
            "Genesis",
            get(genesis),
        ),
    ]
}

fn transactions(parameters: &Parameters) -> Result<Transactions, ApiError> {
    Ok(if parameters.flag("transactions")? {
        Transactions::Shown
    } else {
        Transactions::Left
    })
}

async fn page(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<BlocksAnswer>, ApiError> {
    let first_height = api.desk().status().first_height;
    let from = parameters.read("from")?.map_or(first_height, Height);
    let limit = parameters.limit(PAGE_BLOCKS_MAX, PAGE_BLOCKS)?;
    let shown = transactions(&parameters)?;
    let asked = move |store: &Store| {
        let height = store.head().header.height;
        check_height(from, first_height, height)?;
        let (mut blocks, mut records) = (Vec::new(), 0);
        for next in (from.0..=height.0).take(usize::try_from(limit).unwrap_or(0)) {
            let block = held(store, Height(next), shown)?;
            let inside = block.transactions.iter().flatten();
            records += inside
                .map(|inside| inside.body.records.len())
                .sum::<usize>();
            blocks.push(block);
            if records >= PAGE_RECORDS_MAX {
                break;
            }
        }
        Ok::<_, ApiError>(BlocksAnswer {
            height,
            first_height,
            blocks,
        })
    };
    api.question(asked).await.map(Json)
}

async fn one(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Json<BlockAnswer>, ApiError> {
    let asked = Height(path.read("height")?);
    let (first, shown) = (api.desk().status().first_height, transactions(&parameters)?);
    let ask = move |store: &Store| {
        check_height(asked, first, store.head().header.height)?;
        held(store, asked, shown)
    };
    api.question(ask).await.map(Json)
}

fn check_height(asked: Height, first: Height, head: Height) -> Result<(), ApiError> {
    if asked < first {
        return Err(ApiError::before_history(asked, first));
    }
    if asked > head {
        let message = format!("height {asked} is above the last one, {head}");
        return Err(ApiError::new(ErrorCode::BeyondHead, message));
    }
    Ok(())
}

fn held(store: &Store, height: Height, shown: Transactions) -> Result<BlockAnswer, ApiError> {
    let block = answers::block(store, height, shown)?;
    block.ok_or_else(|| ApiError::before_history(height, height.next()))
}

async fn checkpoint(State(api): State<Api>) -> Result<Json<CheckpointAnswer>, ApiError> {
    api.question(answers::checkpoint).await.map(Json)
}

async fn genesis(State(api): State<Api>) -> Json<Genesis> {
    Json(api.store().genesis().clone())
}
