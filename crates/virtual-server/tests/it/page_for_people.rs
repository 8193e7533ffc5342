//! The page at the root of the service, over real sockets.

use serde_json::json;

use crate::support::Running;

/// The parts of the page, and their types.
const PARTS: [(&str, &str); 3] = [
    ("/", "text/html; charset=utf-8"),
    ("/panel.css", "text/css; charset=utf-8"),
    ("/panel.js", "text/javascript; charset=utf-8"),
];

#[tokio::test]
async fn every_part_is_strict_about_what_it_loads_and_who_frames_it() {
    let it = Running::start().await;
    for (path, kind) in PARTS {
        let part = it.get(path).await;
        assert_eq!(part.status, 200, "{path}");
        for line in [
            &format!("content-type: {kind}"),
            "content-security-policy: default-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "cache-control: no-store",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert_eq!(part.head.matches(&format!("\r\n{line}\r\n")).count(), 1, "{path}: {line}");
        }
    }
}

#[tokio::test]
async fn nothing_of_it_is_there_without_the_token() {
    let it = Running::start().await;
    let key = it.service.default_session().page_key().unwrap();
    for (path, _) in PARTS {
        assert_eq!(it.raw("GET", path, "", "").await.status, 401, "{path}");
        // Pages under test have no business here, nor have those of other origins.
        assert_eq!(it.raw("GET", &format!("/{key}{path}"), "", "").await.status, 403, "{path}");
        let foreign = "Origin: https://attacker.example\r\n";
        let path = format!("/{}{path}", it.token);
        assert_eq!(it.raw("GET", &path, foreign, "").await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn it_takes_nothing_from_elsewhere_and_has_no_script_or_style_within() {
    let it = Running::start().await;
    let page = it.get("/").await.text;
    for forbidden in ["http:", "https:", "<style", "style=", "onclick", "//"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // Its texts are data, which no policy runs.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("<script type=\"application/json\"").count(), 1);
    // What it names is there, from where it is.
    let named = page.split(['"']).filter(|it| it.ends_with(".css") || it.ends_with(".js"));
    let named: Vec<&str> = named.collect();
    assert_eq!(named, ["panel.css", "panel.js"]);
    for label in ["role=\"status\"", "role=\"alert\"", "role=\"log\"", "lang=\"en\""] {
        assert!(page.contains(label), "{label}");
    }
    let script = it.get("/panel.js").await.text;
    for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "http:", "https:"] {
        assert!(!script.contains(forbidden), "{forbidden}");
    }
}

/// As a browser does it: with the origin of the page.
#[tokio::test]
async fn what_its_buttons_do_is_allowed_to_the_page_itself() {
    let it = Running::start().await;
    let origin = format!("Origin: http://127.0.0.1:{}\r\n", it.port);
    let path = format!("/{}/v1/default/authenticators", it.token);
    let made = it.raw("POST", &path, &origin, &json!({"preset": "platform"}).to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let log = it.raw("GET", &format!("/{}/v1/default/log", it.token), &origin, "").await;
    assert_eq!(log.ok()["notices"][0]["event"], "authenticatorAdded");
}
