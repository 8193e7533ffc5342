//! Style, scripts and pictures: part of the program, from nowhere else.

use axum::response::{IntoResponse as _, Response};
use http::header;

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageFile {
    /// Its name, without a folder.
    pub name: &'static str,
    /// Its type, as `Content-Type` has it.
    pub kind: &'static str,
    /// What is in it.
    pub content: &'static str,
}

/// Colours, type, and what every page has.
const BASE: PageFile = PageFile::style("base.css", include_str!("assets/base.css"));

impl PageFile {
    /// A style sheet.
    #[must_use]
    pub const fn style(name: &'static str, content: &'static str) -> Self {
        Self { name, kind: "text/css; charset=utf-8", content }
    }

    /// A script: a module, or one of the older kind.
    #[must_use]
    pub const fn script(name: &'static str, content: &'static str) -> Self {
        Self { name, kind: "text/javascript; charset=utf-8", content }
    }

    /// A picture in SVG.
    #[must_use]
    pub const fn picture(name: &'static str, content: &'static str) -> Self {
        Self { name, kind: "image/svg+xml", content }
    }

    /// The file of this name among those of somebody's pages, and `base.css`, which all pages have.
    #[must_use]
    pub fn answer(own: &[Self], name: &str) -> Option<Response> {
        let found = own.iter().chain([&BASE]).find(|file| file.name == name)?;
        let headers = [
            (header::CONTENT_TYPE, found.kind),
            // Asked for again each time, as the program may be another one; cheap on this machine.
            (header::CACHE_CONTROL, "no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        Some((headers, found.content).into_response())
    }
}
