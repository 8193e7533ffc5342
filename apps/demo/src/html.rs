//! The page as HTML: what is around the things that its scripts fill.

use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{DOCTYPE, Markup, html};
use towline_pages::{Language, fill, for_scripts, tell_browsers};
use url::form_urlencoded;

use crate::{
    account::{Account, PASSWORD},
    devices::DeviceId,
    door::Stage,
    texts,
    tour::{STEPS, Start, means, on_short_way},
};

/// Answers with the page. What it names is beside it, so that its own address ends with a slash.
pub(crate) async fn page(
    State(stage): State<Arc<Stage>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    if !uri.path().ends_with('/') {
        return Redirect::temporary(&format!("{}/", uri.path())).into_response();
    }
    // Cookies of `127.0.0.1` are not those of `localhost`, which the sites' frames need.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some((_, port)) = host.rsplit_once(':')
        && !host.starts_with("localhost:")
    {
        let here = format!("http://localhost:{port}{}", uri.path());
        return Redirect::temporary(&here).into_response();
    }
    let markup = document(&stage, Language::of(&headers)).into_string();
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    let mut response = (kind, markup).into_response();
    guarded(&stage, response.headers_mut());
    response
}

/// What browsers are told: nothing comes from elsewhere but the sites in their frame, nobody frames
/// the page, and the token in its address goes nowhere.
fn guarded(stage: &Stage, headers: &mut HeaderMap) {
    let sites: String =
        std::iter::once(&stage.site).chain(&stage.others).map(|url| format!(" {url}")).collect();
    let policy = format!("frame-src{sites}; form-action 'self'; frame-ancestors 'none'");
    tell_browsers(headers, &policy);
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static("same-origin"));
    }
}

fn document(stage: &Stage, language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (t("title")) " – towline" }
                @for style in ["base", "page", "computer", "devices", "between"] {
                    link rel="stylesheet" href={ "assets/" (style) ".css" };
                }
                script src="assets/own.js" {}
                // Where browsers ask the page around a frame what it may do.
                script src=(stage.script) {}
                script type="module" src="assets/page.js" {}
            }
            body data-speed=(stage.speed) data-site=(stage.site) {
                a .skip href="#guide" { (t("skip")) }
                header .top {
                    div {
                        h1 { (t("title")) }
                        p { (t("lead")) }
                    }
                    (language.switch(t("language"), "v1/language", ""))
                }
                noscript { p .notice { (t("no_script")) } }
                p #gone .notice role="alert" hidden { (t("gone")) }
                main {
                    (walk(language))
                    (guide(stage, language))
                    div .ends {
                        (computer(stage, language))
                        (devices(language))
                    }
                    (wrong(language))
                    (between(language))
                    (timing(language))
                    (honest(language))
                }
                p #aloud .sr role="status" aria-live="polite" {}
                (for_scripts(texts::TABLES.into_iter().flatten(), language))
            }
        }
    }
}

/// What to do next and how the tour goes on, which stays in view.
fn walk(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    let of = |step: u8, part: &str| texts::find(language, &format!("step_{step}_{part}"));
    html! {
        div .walk role="group" aria-label=(t("guide_title")) {
            ol .dots aria-label=(t("guide_all")) {
                @for step in STEPS {
                    li {
                        button type="button" data-to=(step)
                            title=(of(step, "title").unwrap_or_default()) {
                            span .number { (step) }
                            span .sr {
                                ". " (of(step, "title").unwrap_or_default()) ". "
                                span .state { (t("guide_todo")) }
                            }
                        }
                    }
                }
            }
            p #guide-now role="status" {}
            button #guide-back .second type="button" { (t("guide_back")) }
            button #guide-next .second type="button" { (t("guide_next")) }
        }
    }
}

fn guide(stage: &Stage, language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    let of = |step: u8, part: &str| texts::find(language, &format!("step_{step}_{part}"));
    let phones = ["phone-a", "phone-b"].map(|tag| {
        let name = texts::find(language, &format!("device_{tag}")).unwrap_or_default();
        (tag, form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>())
    });
    let phones = phones.each_ref().map(|(tag, name)| (*tag, name.as_str()));
    let url = |step| fill(&Start::of(step).url(&stage.site, &stage.others), &phones);
    html! {
        section #guide .guide aria-labelledby="guide-title" tabindex="-1" {
            h2 #guide-title .sr { (t("guide_title")) }
            div .steps {
                p #guide-count .count {}
                @for step in STEPS {
                    @let (way, phone) = means(step).unzip();
                    div .step data-step=(step) data-short=[on_short_way(step)]
                        data-url=(url(step)) data-who=(Start::of(step).who())
                        data-way=[way] data-by=[phone] hidden[step != 1] {
                        h3 tabindex="-1" { (of(step, "title").unwrap_or_default()) }
                        p { (of(step, "text").unwrap_or_default()) }
                        @if let Some(what) = of(step, "do") {
                            p .do { strong { (t("guide_now")) ": " } (what) }
                        }
                    }
                }
            }
            p #guide-why .notice role="status" hidden {}
            div .around {
                button #guide-go .second type="button" { (t("guide_go")) }
                button #guide-length .quiet type="button" { (t("guide_whole")) }
            }
        }
    }
}

fn computer(stage: &Stage, language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    let names = [t("site_library"), t("site_office")];
    let (home, work) = (Account::Home.email(), Account::Work.email());
    let accounts = fill(t("password"), &[("home", home), ("work", work), ("password", PASSWORD)]);
    html! {
        section .computer aria-labelledby="computer-title" {
            h2 #computer-title { (t("computer")) }
            div .window {
                div .bar {
                    span .lights aria-hidden="true" { i {} i {} i {} }
                    div .tabs role="group" aria-label=(t("tabs")) {
                        button type="button" data-open={ (stage.site) "/account" } {
                            (t("site_login"))
                        }
                        @for (url, name) in stage.others.iter().zip(names) {
                            button type="button" data-open={ (url) "/" } { (name) }
                        }
                        button #as-home type="button" { (t("as_home")) }
                    }
                }
                div .screen {
                    iframe #frame title=(t("frame")) src="about:blank"
                        allow="publickey-credentials-get *; publickey-credentials-create *" {}
                    div #dialog .dialog role="group" aria-label=(t("dialog")) tabindex="-1" hidden {}
                }
                p #outcome .outcome role="status" hidden {}
            }
            p #own-browser .hint hidden { (t("own_browser")) }
            p .hint { (accounts) }
        }
    }
}

fn devices(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    let shell = |id: DeviceId, tag: &str, kind: &str| {
        let name = texts::find(language, &format!("device_{tag}")).unwrap_or_default();
        let about = texts::find(language, &format!("about_{tag}")).unwrap_or_default();
        let scans = DeviceId::HANDSETS.contains(&id);
        html! {
            article #(tag) .device.(kind) data-device=(tag) aria-labelledby={ (tag) "-name" } {
                h3 #{ (tag) "-name" } tabindex="-1" { (name) }
                p .about { (about) }
                div .body {
                    div .face {
                        div .question tabindex="-1" hidden {}
                        div .rest {
                            p .notice hidden {}
                            ul .passkeys aria-label=(fill(t("passkeys"), &[("device", name)])) {}
                            p .none { (t("passkeys_none")) }
                            @if scans {
                                button .scan type="button" disabled { (t("scan")) }
                                details .paste {
                                    summary { (t("paste")) }
                                    label .sr for={ (tag) "-text" } { (t("paste")) }
                                    input id={ (tag) "-text" } type="text" autocomplete="off"
                                        spellcheck="false";
                                    button .second type="button" { (t("paste_button")) }
                                }
                            }
                            p .linked hidden { (t("computers")) }
                            @if matches!(id, DeviceId::PhoneA | DeviceId::PhoneB) {
                                button .import.second type="button" hidden {}
                                button .export.quiet type="button" { (t("export")) }
                            }
                            @if id == DeviceId::PhoneB {
                                button .lose.quiet type="button" { (t("lose")) }
                                button .renew.second type="button" hidden { (t("renew")) }
                            }
                            @if id == DeviceId::PhoneA {
                                button .wipe.quiet type="button" { (t("wipe")) }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section .devices aria-labelledby="devices-title" {
            h2 #devices-title { (t("devices")) }
            div .hands {
                (shell(DeviceId::PhoneA, "phone-a", "phone"))
                (shell(DeviceId::PhoneB, "phone-b", "phone"))
            }
            div .others {
                (shell(DeviceId::Tablet, "tablet", "tablet"))
                (shell(DeviceId::Laptop, "laptop", "laptop"))
                (shell(DeviceId::Key, "key", "key"))
            }
        }
    }
}

fn wrong(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    let switch = |what: &str, phone: &str, label: String| {
        html! {
            button type="button" role="switch" aria-checked="true" data-what=(what)
                data-phone=[(!phone.is_empty()).then_some(phone)] {
                span .knob aria-hidden="true" {}
                span { (label) }
                span .state { (t("on")) }
            }
        }
    };
    let near = |tag: &str| {
        let name = texts::find(language, &format!("device_{tag}")).unwrap_or_default();
        switch("near", tag, fill(t("wrong_near"), &[("device", name)]))
    };
    html! {
        section .wrong aria-labelledby="wrong-title" {
            div {
                h2 #wrong-title { (t("wrong_title")) }
                p { (t("wrong_lead")) " " (t("wrong_finger")) }
            }
            div .switches {
                (switch("bluetooth", "", t("wrong_bluetooth").into()))
                (switch("relay", "", t("wrong_relay").into()))
                (near("phone-a"))
                (near("phone-b"))
                (near("tablet"))
                (switch("sync", "", t("wrong_sync").into()))
            }
        }
    }
}

fn between(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    html! {
        section .between aria-labelledby="between-title" {
            h2 #between-title tabindex="-1" { (t("between_title")) }
            div #lane .lane aria-hidden="true" {
                @for who in ["site", "computer", "relay", "phone"] {
                    span .post data-post=(who) {
                        (texts::find(language, &format!("who_{who}")).unwrap_or_default())
                    }
                }
                i #dot {}
            }
            div .columns {
                div .messages {
                    p { (t("between_lead")) }
                    p #no-travels { (t("between_none")) }
                    ol #travels reversed {}
                    button #clear .quiet type="button" hidden { (t("clear")) }
                }
                div .relay {
                    h3 #relay-title { (t("relay_title")) }
                    p { (t("relay_lead")) }
                    p #no-relay { (t("relay_none")) }
                    div .scroll tabindex="0" role="region" aria-labelledby="relay-title" {
                        table #relay hidden {
                            thead {
                                tr {
                                    th scope="col" { (t("relay_time")) }
                                    th scope="col" { (t("relay_from")) }
                                    th scope="col" { (t("relay_size")) }
                                }
                            }
                            tbody {}
                        }
                    }
                }
            }
        }
    }
}

fn timing(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    html! {
        section .timing aria-labelledby="timing-title" {
            h2 #timing-title { (t("timing_title")) }
            p #timing-sum { (t("timing_none")) }
            table #timing hidden {
                thead {
                    tr {
                        th scope="col" { (t("timing_step")) }
                        th scope="col" { (t("timing_took")) }
                        th scope="col" { (t("timing_who")) }
                    }
                }
                tbody {}
            }
        }
    }
}

fn honest(language: Language) -> Markup {
    let t = |name| texts::say(language, name);
    html! {
        section .honest aria-labelledby="honest-title" {
            h2 #honest-title { (t("honest_title")) }
            ul {
                li { (t("honest_real")) }
                li { (t("honest_air")) }
                li { (t("honest_devices")) }
                li { (t("honest_browser")) }
                li { (t("honest_sync")) }
                li { (t("honest_move")) }
            }
        }
    }
}
