//! What is served: one table of routes, from which both the router and the `OpenAPI` document are
//! made, so that neither can have what the other has not.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::routing::MethodRouter;
use chipledger_schemas::api::ErrorCode;

use super::error::ApiError;
use super::parameters::{self, Parameters};
use super::{Api, blocks, compute, events, export, items, proofs, status, transactions};

/// A method of HTTP that is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    Get,
    Post,
}

/// A parameter behind the question mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

/// Shorthand for a parameter.
pub(super) const fn takes(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, about }
}

/// What a route answers with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// JSON of a component.
    Json(&'static str),
    /// An [`chipledger_schemas::api::Answer`] around a component.
    Answer(&'static str),
    /// Something else: its media type.
    Other(&'static str),
}

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// Component of the body; absent for a `GET`.
    pub(super) body: Option<&'static str>,
    pub(super) answer: Shape,
    pub(super) handler: MethodRouter<Api>,
}

/// The moment of a question.
pub(super) const AT: Parameter = takes("at", "as it was at this event time; now if absent");
/// What was known by then.
pub(super) const KNOWN_AT: Parameter = takes(
    "known_at",
    "as the ledger knew it at this block time or height; the last height if absent",
);

/// Every route.
pub(super) fn table() -> Vec<Route> {
    let mut routes = transactions::routes();
    routes.extend(items::routes());
    routes.extend(compute::routes());
    routes.extend(proofs::routes());
    routes.extend(blocks::routes());
    routes.extend(export::routes());
    routes.extend(events::routes());
    routes.extend(status::routes());
    routes
}

/// The router of the table.
pub(super) fn router(api: Api) -> Router {
    let mut router: Router<Api> = Router::new();
    for route in table() {
        let known = route.parameters;
        let check =
            move |parameters: Result<Parameters, ApiError>, request: Request, next: Next| {
                parameters::check(known, parameters, request, next)
            };
        let handler = route.handler.layer(middleware::from_fn(check));
        router = router.route(route.path, handler);
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(api)
}

/// Whether a full node serves something at a path, by whatever method.
pub(super) fn is_served(path: &str) -> bool {
    let asked: Vec<_> = path.split('/').collect();
    let fits = |route: &Route| {
        let parts: Vec<_> = route.path.split('/').collect();
        let same = |(part, asked): (&&str, &&str)| part.starts_with('{') || part == asked;
        parts.len() == asked.len() && parts.iter().zip(&asked).all(same)
    };
    table().iter().any(fits)
}

async fn unknown(request: Request) -> ApiError {
    let path = request.uri().path().escape_debug();
    let path: String = path.take(200).collect();
    ApiError::new(
        ErrorCode::UnknownRoute,
        format!("nothing is served at {path}"),
    )
}

async fn not_allowed(request: Request) -> ApiError {
    let message = format!("{} is not served here", request.method());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}
