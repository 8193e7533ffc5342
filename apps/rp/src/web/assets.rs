//! Style, scripts and pictures: part of the program, from nowhere else.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use http::header;

use crate::{ApiError, ErrorCode};

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

const FILES: [(&str, &str, &str); 11] = [
    ("site.css", STYLE, include_str!("../assets/site.css")),
    ("parts.css", STYLE, include_str!("../assets/parts.css")),
    ("page.js", SCRIPT, include_str!("../assets/page.js")),
    ("passkeys.js", SCRIPT, include_str!("../assets/passkeys.js")),
    ("ways.js", SCRIPT, include_str!("../assets/ways.js")),
    ("towline.svg", PICTURE, include_str!("../assets/towline.svg")),
    ("device.svg", PICTURE, include_str!("../assets/device.svg")),
    ("manager.svg", PICTURE, include_str!("../assets/manager.svg")),
    ("phone.svg", PICTURE, include_str!("../assets/phone.svg")),
    ("security-key.svg", PICTURE, include_str!("../assets/security-key.svg")),
    ("test.svg", PICTURE, include_str!("../assets/test.svg")),
];

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let Some((_, kind, content)) = found else {
        return ApiError::new(ErrorCode::NotFound, "There is no such file.").into_response();
    };
    // Asked for again each time the program is another one; cheap, as it is on this machine.
    ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "no-cache")], *content).into_response()
}
