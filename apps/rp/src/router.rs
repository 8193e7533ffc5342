//! Which address is answered by what.

use std::sync::Arc;

use axum::{Router, middleware};

use crate::{ApiError, ErrorCode, guard, oidc, programs, site::Site, web};

/// Everything that the relying party answers.
pub(crate) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .merge(programs::router())
        .merge(web::router())
        .merge(oidc::router())
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_such_page)
        .layer(middleware::from_fn_with_state(Arc::clone(site), guard::around))
        .with_state(Arc::clone(site))
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "Pages are read with GET; what changes something takes POST.",
    )
}

async fn no_such_page() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such page.")
}
