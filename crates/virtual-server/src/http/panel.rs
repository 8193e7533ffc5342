//! The page at the address that the program prints: authenticators, passkeys and what happens, with
//! buttons for the person and for faults. It goes by the paths of the API and nothing else.

use axum::{
    Router,
    extract::OriginalUri,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use crate::Service;

const PAGE: &str = include_str!("../../assets/panel/panel.html");
const STYLE: &str = include_str!("../../assets/panel/panel.css");
const SCRIPT: &str = concat!(
    include_str!("../../assets/panel/panel.js"),
    include_str!("../../assets/panel/phones.js")
);

/// What every part of the page comes with. Nothing comes from elsewhere, nobody frames it, and the
/// token in its address goes nowhere.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The three files.
pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/", get(page))
        .route("/panel.css", get(async || part("text/css; charset=utf-8", STYLE)))
        .route("/panel.js", get(async || part("text/javascript; charset=utf-8", SCRIPT)))
}

/// What the page names is beside it, so that its own address ends with a slash.
async fn page(OriginalUri(uri): OriginalUri) -> Response {
    if uri.path().ends_with('/') {
        return part("text/html; charset=utf-8", PAGE);
    }
    (HEADERS, Redirect::temporary(&format!("{}/", uri.path()))).into_response()
}

fn part(kind: &'static str, text: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    (HEADERS, kind, text).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The table of texts: English and Danish, by name.
    fn texts() -> BTreeMap<String, [String; 2]> {
        let (_, table) = PAGE.split_once("id=\"texts\">").unwrap();
        serde_json::from_str(table.split_once("</script>").unwrap().0).unwrap()
    }

    fn between<'t>(text: &'t str, before: &str, after: &str) -> BTreeSet<&'t str> {
        text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_is_used() {
        let texts = texts();
        let names: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
        for (name, [english, danish]) in &texts {
            assert!(!english.is_empty() && !danish.is_empty(), "{name}");
            let holes = |text: &str| between(text, "{", "}").len();
            assert_eq!(holes(english), holes(danish), "{name}");
        }
        let mut used = between(PAGE, "data-text=\"", "\"");
        used.extend(between(SCRIPT, "text(\"", "\""));
        used.extend(between(SCRIPT, "flag(\"", "\""));
        used.extend(between(SCRIPT, "quiet(\"", "\""));
        used.extend(between(SCRIPT, "connection(\"", "\""));
        // What lists say where they are empty.
        used.extend(["none", "noPhones", "noScreens"]);
        let events: BTreeSet<&str> = names.difference(&used).copied().collect();
        assert_eq!(used.difference(&names).next(), None);
        assert_eq!(events, BTreeSet::from(EVENTS));
    }

    /// The events by their names in the log.
    const EVENTS: [&str; 20] = [
        "authenticatorAdded",
        "authenticatorRemoved",
        "credentialAdded",
        "credentialDeleted",
        "credentialUpdated",
        "credentialAsserted",
        "request",
        "response",
        "ceremonyBegan",
        "ceremonyEnded",
        "questionOpened",
        "phoneAdded",
        "phoneRemoved",
        "phoneStep",
        "phoneRequest",
        "phoneResponse",
        "phoneEnded",
        "phoneQuestionOpened",
        "codeShown",
        "screenEnded",
    ];

    #[test]
    fn the_kinds_on_the_page_are_those_that_there_are() {
        for kind in between(PAGE, "<option>", "</option>") {
            let json = format!("{{\"preset\": \"{kind}\"}}");
            assert!(
                serde_json::from_str::<crate::VirtualAuthenticatorOptions>(&json).is_ok(),
                "{kind}"
            );
        }
        assert_eq!(PAGE.matches("<option>").count(), 11);
    }
}
