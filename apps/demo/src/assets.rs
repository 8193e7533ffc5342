//! Style and scripts of the page: part of the program, from nowhere else.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Name, type and content of each file.
pub(crate) const FILES: [(&str, &str, &str); 16] = [
    ("page.css", STYLE, include_str!("assets/page.css")),
    ("computer.css", STYLE, include_str!("assets/computer.css")),
    ("devices.css", STYLE, include_str!("assets/devices.css")),
    ("between.css", STYLE, include_str!("assets/between.css")),
    ("page.js", SCRIPT, include_str!("assets/page.js")),
    ("dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("guide.js", SCRIPT, include_str!("assets/guide.js")),
    ("computer.js", SCRIPT, include_str!("assets/computer.js")),
    ("questions.js", SCRIPT, include_str!("assets/questions.js")),
    ("devices.js", SCRIPT, include_str!("assets/devices.js")),
    ("between.js", SCRIPT, include_str!("assets/between.js")),
    ("passkey.svg", PICTURE, include_str!("assets/passkey.svg")),
    ("finger.svg", PICTURE, include_str!("assets/finger.svg")),
    ("code.svg", PICTURE, include_str!("assets/code.svg")),
    ("phone.svg", PICTURE, include_str!("assets/phone.svg")),
    ("laptop.svg", PICTURE, include_str!("assets/laptop.svg")),
];

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, *content).into_response()
}
