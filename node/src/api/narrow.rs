//! The API of a node that follows only its member's own items: the chain's headers and the proofs
//! that it keeps. Everything else that full nodes serve is refused, with whom to ask.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chipledger_ledger::answers;
use chipledger_schemas::api::{
    BlockAnswer, BlocksAnswer, CANONICAL_BYTES, CheckpointAnswer, ErrorCode, Health, LedgerSize,
    LedgerStatus, MempoolCounts, NodeStatus, PAGE_BLOCKS_MAX, Standing as Role, StatusAnswer,
};
use chipledger_schemas::genesis::{Clock, Genesis};
use chipledger_schemas::ids::Height;

use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::{Limits, Server, now, routes, serve_router};
use crate::follow::FollowHandle;
use crate::follow::headers::HeadersError;
use crate::follow::proofs::ProofsError;
use crate::network::View;
use crate::serve::wire::CertifiedHeader;

/// Headers of a page, unless asked otherwise.
const PAGE_BLOCKS: u64 = 20;

/// Binds an address and serves there.
///
/// # Errors
/// When the address cannot be bound: choose another one.
pub async fn serve(
    listen: SocketAddr,
    node: FollowHandle,
    limits: Limits,
) -> std::io::Result<Server> {
    serve_router(listen, limits, move |_| router(node)).await
}

fn router(node: FollowHandle) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/health", get(health))
        .route("/v1/ready", get(ready))
        .route("/v1/checkpoint", get(checkpoint))
        .route("/v1/genesis", get(genesis))
        .route("/v1/blocks", get(page))
        .route("/v1/blocks/{height}", get(one))
        .route("/v1/proofs", get(list))
        .route("/v1/proofs/item/{id}", get(proof))
        .route("/metrics", get(metrics))
        .fallback(refuse)
        .with_state(node)
}

/// What a full node would answer, this one may not see.
async fn refuse(request: Request) -> ApiError {
    let path = request.uri().path();
    if routes::is_served(path) {
        let message = "this node follows only its own member's items: headers, certificates and \
                       proofs";
        return ApiError::new(ErrorCode::NarrowView, message);
    }
    let path: String = path.escape_debug().take(200).collect();
    ApiError::new(
        ErrorCode::UnknownRoute,
        format!("nothing is served at {path}"),
    )
}

impl From<HeadersError> for ApiError {
    fn from(error: HeadersError) -> Self {
        Self::internal(&error)
    }
}

impl From<ProofsError> for ApiError {
    fn from(error: ProofsError) -> Self {
        Self::internal(&error)
    }
}

/// The last header; an error before the first one came.
fn tip(node: &FollowHandle) -> Result<CertifiedHeader, ApiError> {
    let tip = node.headers.header(node.headers.height())?;
    tip.ok_or_else(|| ApiError::new(ErrorCode::NothingCertified, "no header has come yet"))
}

/// Sizes of the state are not known here, and are 0.
async fn status(State(node): State<FollowHandle>) -> Result<Json<StatusAnswer>, ApiError> {
    let header = tip(&node)?.header;
    let genesis = node.headers.genesis();
    let validators = node.headers.validators_of(&header);
    let ledger = LedgerStatus {
        ledger: genesis.name.clone(),
        genesis: genesis.hash(),
        height: header.height,
        block: header.hash(),
        state_root: header.state_root,
        block_time: header.time,
        clock: genesis.clock,
        protocol: header.protocol,
        size: LedgerSize {
            validators: validators.map_or(0, |set| set.0.len() as u64),
            disk_bytes: node.headers.bytes(),
            ..LedgerSize::default()
        },
    };
    let age_ms = match genesis.clock {
        Clock::Wall => Some(now().since_ms(header.time)),
        Clock::Replay => None,
    };
    Ok(Json(StatusAnswer {
        ledger,
        age_ms,
        node: of_node(&node),
    }))
}

fn of_node(node: &FollowHandle) -> NodeStatus {
    NodeStatus {
        member: Some(node.member.clone()),
        role: Role::Observer,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peers_connected: u32::try_from(node.network.peers().len()).unwrap_or(u32::MAX),
        mempool: MempoolCounts::default(),
        syncing: false,
        halted: trouble(node),
        first_height: node.headers.first_height(),
    }
}

/// What is wrong; absent while all is well.
fn trouble(node: &FollowHandle) -> Option<String> {
    let alarm = node.standing.borrow().alarm.clone();
    let full = |peer: &crate::network::PeerStatus| peer.view == View::Full;
    let alone = !node.network.peers().iter().any(full);
    alarm.or_else(|| {
        alone.then(|| "no peer of a customs, regulator or inspector member is connected".to_owned())
    })
}

async fn health(State(node): State<FollowHandle>) -> Json<Health> {
    Json(Health {
        ok: true,
        why: None,
        height: node.headers.height(),
    })
}

/// It takes no transactions, ever.
async fn ready() -> Response {
    ApiError::new(
        ErrorCode::NarrowView,
        "this node follows only its own member's items and takes no transactions",
    )
    .into_response()
}

async fn checkpoint(State(node): State<FollowHandle>) -> Result<Json<CheckpointAnswer>, ApiError> {
    let CertifiedHeader {
        header,
        certificate,
        ..
    } = tip(&node)?;
    let validators = node.headers.validators_of(&header);
    let validators = validators
        .ok_or_else(|| ApiError::new(ErrorCode::Internal, "a validator set is missing"))?;
    Ok(Json(CheckpointAnswer {
        hash: header.hash(),
        header,
        certificate,
        validators,
    }))
}

async fn genesis(State(node): State<FollowHandle>) -> Json<Genesis> {
    Json(node.headers.genesis().clone())
}

fn shown(certified: CertifiedHeader) -> BlockAnswer {
    BlockAnswer {
        hash: certified.header.hash(),
        header: certified.header,
        certificate: certified.certificate,
        transactions: None,
    }
}

fn without_transactions(parameters: &Parameters) -> Result<(), ApiError> {
    if parameters.flag("transactions")? {
        let message = "this node holds headers and certificates, no transactions";
        return Err(ApiError::new(ErrorCode::NarrowView, message));
    }
    Ok(())
}

async fn page(
    State(node): State<FollowHandle>,
    parameters: Parameters,
) -> Result<Json<BlocksAnswer>, ApiError> {
    without_transactions(&parameters)?;
    let (height, first_height) = (node.headers.height(), node.headers.first_height());
    let from = parameters.read("from")?.map_or(first_height, Height);
    let limit = parameters.limit(PAGE_BLOCKS_MAX, PAGE_BLOCKS)?;
    if from > height {
        let message = format!("height {from} is above the last one, {height}");
        return Err(ApiError::new(ErrorCode::BeyondHead, message));
    }
    let most = usize::try_from(limit).unwrap_or(0);
    let blocks = node.headers.page(from, most)?;
    Ok(Json(BlocksAnswer {
        height,
        first_height,
        blocks: blocks.into_iter().map(shown).collect(),
    }))
}

async fn one(
    State(node): State<FollowHandle>,
    path: PathText,
    parameters: Parameters,
) -> Result<Json<BlockAnswer>, ApiError> {
    without_transactions(&parameters)?;
    let asked = Height(path.read("height")?);
    let height = node.headers.height();
    if asked > height {
        let message = format!("height {asked} is above the last one, {height}");
        return Err(ApiError::new(ErrorCode::BeyondHead, message));
    }
    let found = node.headers.header(asked)?;
    let first = || ApiError::before_history(asked, node.headers.first_height());
    Ok(Json(shown(found.ok_or_else(first)?)))
}

/// The items of which a proof is kept, each with the height that its proof is of.
async fn list(State(node): State<FollowHandle>) -> Json<serde_json::Value> {
    let proof = |(item, kept): (chipledger_schemas::ids::ItemId, _)| {
        let kept: crate::follow::proofs::KeptProof = kept;
        serde_json::json!({ "item": item, "height": kept.height })
    };
    let proofs: Vec<_> = node.proofs.list().into_iter().map(proof).collect();
    Json(serde_json::json!({ "height": node.headers.height(), "proofs": proofs }))
}

async fn proof(State(node): State<FollowHandle>, path: PathText) -> Result<Response, ApiError> {
    let item = answers::item_id(&path.0).map_err(|error| ApiError::parameter("id", error))?;
    match node.proofs.read(&item)? {
        Some(bytes) => Ok(([(header::CONTENT_TYPE, CANONICAL_BYTES)], bytes).into_response()),
        None => Err(ApiError::new(
            ErrorCode::NarrowView,
            format!("no proof of {item} is kept here: it is not this member's, or not yet fetched"),
        )),
    }
}

async fn metrics() -> Response {
    let mut text = String::new();
    arc_malachitebft_metrics::export(&mut text);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response()
}
