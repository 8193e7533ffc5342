//! The first page, and those that explain.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
};
use http::HeaderValue;
use towline_pages::Language;

use super::{Outcome, form, go_to, is_local, page, with_cookie};
use crate::{
    ApiError, ErrorCode, pages, programs::overview as everything, site::Site, visit::Visit,
};

pub(super) async fn home(State(site): State<Arc<Site>>, visit: Visit) -> Outcome {
    Ok(page(pages::front::home(&site, &visit)))
}

pub(super) async fn privacy(State(site): State<Arc<Site>>, visit: Visit) -> Outcome {
    Ok(page(pages::front::privacy(&site, &visit)))
}

/// For whoever runs the site: only where programs may know it all, too.
pub(super) async fn overview(State(site): State<Arc<Site>>, visit: Visit) -> Outcome {
    if !site.programs {
        return Err(ApiError::new(ErrorCode::NotFound, "There is no such page."));
    }
    Ok(page(pages::front::overview(&site, &visit, &everything(&site).await?)))
}

/// Remembers the language that somebody chose, for a year.
pub(super) async fn language(State(site): State<Arc<Site>>, request: Request<Body>) -> Outcome {
    chosen(&form::posted(&site, request).await?)
}

/// Goes back in the language that a form names.
pub(crate) fn chosen(fields: &form::Fields) -> Outcome {
    let language =
        fields.get("language").and_then(Language::parse).ok_or_else(form::bad_request)?;
    let back = fields.get("back").filter(|path| is_local(path)).unwrap_or("/");
    let cookie = HeaderValue::from_str(&language.cookie()).map_err(|_| form::bad_request())?;
    Ok(with_cookie(go_to(back)?, cookie))
}
