//! The page at the address that the program prints: what is where.

use axum::response::Html;

/// A plain page, for whoever opens the address in a browser.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("front.html"))
}
