//! Style and scripts of the page: part of the program, from nowhere else.

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use towline_pages::PageFile;

pub(crate) const FILES: [PageFile; 18] = [
    PageFile::style("page.css", include_str!("assets/page.css")),
    PageFile::style("computer.css", include_str!("assets/computer.css")),
    PageFile::style("devices.css", include_str!("assets/devices.css")),
    PageFile::style("between.css", include_str!("assets/between.css")),
    PageFile::script("page.js", include_str!("assets/page.js")),
    PageFile::script("own.js", include_str!("assets/own.js")),
    PageFile::script("dom.js", include_str!("assets/dom.js")),
    PageFile::script("guide.js", include_str!("assets/guide.js")),
    PageFile::script("next.js", include_str!("assets/next.js")),
    PageFile::script("computer.js", include_str!("assets/computer.js")),
    PageFile::script("questions.js", include_str!("assets/questions.js")),
    PageFile::script("devices.js", include_str!("assets/devices.js")),
    PageFile::script("between.js", include_str!("assets/between.js")),
    PageFile::picture("passkey.svg", include_str!("assets/passkey.svg")),
    PageFile::picture("finger.svg", include_str!("assets/finger.svg")),
    PageFile::picture("code.svg", include_str!("assets/code.svg")),
    PageFile::picture("phone.svg", include_str!("assets/phone.svg")),
    PageFile::picture("laptop.svg", include_str!("assets/laptop.svg")),
];

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    PageFile::answer(&FILES, &name).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
