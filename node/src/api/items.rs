//! `/v1/items`, `/v1/carried`, `/v1/shipments`, `/v1/members`: what is in the ledger, one by one.

use axum::Json;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use chipledger_ledger::answers::{self, Found, OpenShipments, Shipments};
use chipledger_ledger::read::items::{ItemFilter, ItemPage, Which};
use chipledger_ledger::read::trace::Step;
use chipledger_proof::state::Member;
use chipledger_schemas::api::{Answer, ErrorCode, PAGE_ITEMS_MAX};
use chipledger_schemas::ids::{ItemId, ItemNumber, MemberId};
use chipledger_schemas::items::ItemSet;
use chipledger_schemas::movement::Movement;

use super::body::{self, Form};
use super::error::ApiError;
use super::parameters::{Parameters, PathText};
use super::routes::{AT, KNOWN_AT, Method, Parameter, Route, Shape, takes};
use super::{Api, now};

/// Items that one page looks at: where few fit, it ends early and says where to go on.
const LOOK_AT_MAX: u64 = 100_000;
/// The most bytes of a body that names items.
const ITEMS_BYTES_MAX: usize = 1024 * 1024;
/// Items of a page, unless asked otherwise.
const PAGE_ITEMS: u64 = 100;

const FILTERS: &[Parameter] = &[
    takes("kind", "chip or unit; both if absent"),
    takes(
        "model",
        "of this model, such as NVIDIA/H100-SXM5-80GB, or units of this kind",
    ),
    takes("site", "at this site"),
    takes("holder", "in the custody of this member"),
    takes("status", "in this status, such as installed"),
    takes("limit", "at most so many, 1 to 1,000; 100 if absent"),
    takes("cursor", "`next` of the page before"),
];

const OVERDUE: &[Parameter] = &[
    takes(
        "overdue",
        "true: only open ones past their expected arrival",
    ),
    takes("now", "overdue as of this time; the present if absent"),
];
const OPEN: &[Parameter] = &[
    takes(
        "overdue",
        "true: only those past their expected arrival then",
    ),
    AT,
    KNOWN_AT,
];
const MOMENT: &[Parameter] = &[AT, KNOWN_AT];

pub(super) fn routes() -> Vec<Route> {
    let route = |path, about, parameters, answer, handler| Route {
        method: Method::Get,
        path,
        about,
        parameters,
        body: None,
        answer: Shape::Answer(answer),
        handler,
    };
    vec![
        Route {
            method: Method::Post,
            path: "/v1/carried",
            about: "The movements that a correction of a set of items must carry: of each item \
                whose latest one was undone, the one before. They need no trust, for the rules \
                compare each with the leaf of its item.",
            parameters: &[],
            body: Some("ItemSet"),
            answer: Shape::Answer("Movements"),
            handler: post(carried),
        },
        route(
            "/v1/items",
            "Items that fit a filter, in the order of registration, page by page.",
            FILTERS,
            "ItemPage",
            get(list),
        ),
        route(
            "/v1/items/{id}",
            "Where an item is, or was: place, containers, holder, owner, user, status. Ids in any \
             GS1 form are understood.",
            MOMENT,
            "Found",
            get(whereabouts),
        ),
        route(
            "/v1/items/{id}/history",
            "Every record that named an item, or moved a container that it was in.",
            MOMENT,
            "Steps",
            get(history),
        ),
        route(
            "/v1/shipments",
            "Shipments, or those past their expected arrival.",
            OVERDUE,
            "Shipments",
            get(shipments),
        ),
        route(
            "/v1/shipments/open",
            "Shipments that were open at a moment, with what was under way in each.",
            OPEN,
            "OpenShipments",
            get(open_shipments),
        ),
        route(
            "/v1/members/{id}",
            "What is true of a member: names, roles, keys to seal to.",
            &[],
            "Member",
            get(member),
        ),
    ]
}

fn item_id(path: &PathText) -> Result<ItemId, ApiError> {
    answers::item_id(&path.0).map_err(|error| ApiError::parameter("id", error))
}

async fn whereabouts(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Json<Answer<Found>>, ApiError> {
    let (id, as_of) = (item_id(&path)?, parameters.as_of()?);
    let asked = move |store: &_| answers::whereabouts(store, &id, as_of);
    api.question(asked).await.map(Json)
}

async fn history(
    State(api): State<Api>,
    path: PathText,
    parameters: Parameters,
) -> Result<Json<Answer<Vec<Step>>>, ApiError> {
    let (id, as_of) = (item_id(&path)?, parameters.as_of()?);
    let asked = move |store: &_| answers::history(store, &id, as_of);
    api.question(asked).await.map(Json)
}

async fn carried(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<Answer<Vec<Movement>>>, ApiError> {
    if body::form(&request)? != Form::Json {
        let message = "a set of items is read as JSON only";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    let bytes = body::read(&api, request, ITEMS_BYTES_MAX).await?;
    let items: ItemSet = body::json(&bytes)?;
    let max = api.store().genesis().bounds.record_item_events_max;
    if items.len() > max {
        let message = format!("more than {max} items, the most that one record may name");
        return Err(ApiError::new(ErrorCode::BadBody, message));
    }
    let asked = move |store: &_| answers::carried(store, &items);
    api.question(asked).await.map(Json)
}

async fn list(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<ItemPage>>, ApiError> {
    let limit = parameters.limit(PAGE_ITEMS_MAX as u64, PAGE_ITEMS)?;
    let which = match parameters.text("kind")? {
        None => None,
        Some("chip") => Some(Which::Chips),
        Some("unit") => Some(Which::Units),
        Some(_) => return Err(ApiError::parameter("kind", "is neither chip nor unit")),
    };
    let text = |name| -> Result<_, ApiError> { Ok(parameters.text(name)?.map(str::to_owned)) };
    let filter = ItemFilter {
        which,
        model: text("model")?,
        site: text("site")?,
        holder: text("holder")?,
        status: parameters.read("status")?,
        limit: usize::try_from(limit).ok(),
    };
    let from = ItemNumber(parameters.read("cursor")?.unwrap_or(0));
    let asked = move |store: &_| answers::items(store, &filter, from, LOOK_AT_MAX);
    api.question(asked).await.map(Json)
}

async fn shipments(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<Shipments>>, ApiError> {
    let (overdue, as_of) = (parameters.flag("overdue")?, parameters.read("now")?);
    let asked = move |store: &_| answers::shipments(store, as_of, now(), overdue);
    api.question(asked).await.map(Json)
}

async fn open_shipments(
    State(api): State<Api>,
    parameters: Parameters,
) -> Result<Json<Answer<OpenShipments>>, ApiError> {
    let (overdue, as_of) = (parameters.flag("overdue")?, parameters.as_of()?);
    let asked = move |store: &_| answers::open_shipments(store, as_of, overdue);
    api.question(asked).await.map(Json)
}

async fn member(State(api): State<Api>, path: PathText) -> Result<Json<Answer<Member>>, ApiError> {
    let id: MemberId = path.read("id")?;
    let asked = id.clone();
    let found = api
        .question(move |store| answers::member(store, &asked))
        .await?;
    let Answer {
        height,
        block_time,
        at,
        basis,
        clock,
        answer,
    } = found;
    let unknown = || ApiError::new(ErrorCode::MemberUnknown, format!("{id} is no member"));
    Ok(Json(Answer {
        height,
        block_time,
        at,
        basis,
        clock,
        answer: answer.ok_or_else(unknown)?,
    }))
}
