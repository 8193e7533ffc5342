//! Style, scripts and pictures: part of the program, from nowhere else.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use towline_pages::PageFile;

use crate::{ApiError, ErrorCode};

const FILES: [PageFile; 11] = [
    PageFile::style("site.css", include_str!("../assets/site.css")),
    PageFile::style("parts.css", include_str!("../assets/parts.css")),
    PageFile::script("page.js", include_str!("../assets/page.js")),
    PageFile::script("passkeys.js", include_str!("../assets/passkeys.js")),
    PageFile::script("ways.js", include_str!("../assets/ways.js")),
    PageFile::picture("towline.svg", include_str!("../assets/towline.svg")),
    PageFile::picture("device.svg", include_str!("../assets/device.svg")),
    PageFile::picture("manager.svg", include_str!("../assets/manager.svg")),
    PageFile::picture("phone.svg", include_str!("../assets/phone.svg")),
    PageFile::picture("security-key.svg", include_str!("../assets/security-key.svg")),
    PageFile::picture("test.svg", include_str!("../assets/test.svg")),
];

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    PageFile::answer(&FILES, &name).unwrap_or_else(|| {
        ApiError::new(ErrorCode::NotFound, "There is no such file.").into_response()
    })
}
