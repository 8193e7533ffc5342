//! Pages as HTML: what is around them, and what several of them have.

pub(crate) mod account;
pub(crate) mod error;
pub(crate) mod front;
pub(crate) mod keys;
pub(crate) mod sign_in;
pub(crate) mod sites;

use maud::{DOCTYPE, Markup, html};
use towline_pages::{fill, for_scripts, isolated};

use crate::{
    ApiError, Showcase, site::Site, store::sessions::IDLE, texts::script::SCRIPT, visit::Visit,
};

/// A page: a title, and what is between header and footer.
pub(crate) fn frame(site: &Site, visit: &Visit, title: &str, content: Markup) -> Markup {
    let texts = &visit.texts().frame;
    let signed_in = visit.person.is_some();
    html! {
        (DOCTYPE)
        html lang=(visit.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (site.identity.rp_name) }
                link rel="icon" href="/assets/towline.svg" type="image/svg+xml";
                (styles())
                (showcased(site.showcase.as_ref()))
                script type="module" src="/assets/page.js" {}
            }
            body data-session=[signed_in.then_some(IDLE)] data-origin=(site.identity.origin) {
                a .skip href="#main" { (texts.skip) }
                header .top {
                    a .brand href="/" {
                        img src="/assets/towline.svg" alt="" width="32" height="32";
                        span { (site.identity.rp_name) }
                    }
                    nav aria-label=(texts.main_navigation) {
                        @if let Some(person) = &visit.person {
                            a href="/account" { (texts.account) }
                            form method="post" action="/sign-out" {
                                button .quiet type="submit" {
                                    (texts.sign_out)
                                    span .sr { ", " bdi { (person.account.called()) } }
                                }
                            }
                        } @else {
                            a href="/sign-in" { (texts.sign_in) }
                        }
                        (visit.language.switch(texts.language, "/language", &visit.path))
                    }
                }
                main #main tabindex="-1" { (content) }
                footer {
                    p { (texts.demo) "." }
                    p {
                        a href="/privacy" { (texts.privacy) }
                    }
                }
                (for_scripts(SCRIPT.iter(), visit.language))
            }
        }
    }
}

fn styles() -> Markup {
    html! {
        @for name in ["base", "site", "parts"] {
            link rel="stylesheet" href={ "/assets/" (name) ".css" };
        }
    }
}

/// The script of the page that shows this one in a frame, before all others.
fn showcased(showcase: Option<&Showcase>) -> Markup {
    html! { @if let Some(showcase) = showcase { script src=(showcase.script) {} } }
}

/// Where the script says what happens. It is there from the beginning, so that it is read out.
fn status() -> Markup {
    html! { p #status .status role="status" aria-live="polite" {} }
}

/// Where the script says that a virtual authenticator is in the page.
fn test_device(site: &Site) -> Markup {
    let kind = if site.showcase.is_some() { "demo" } else { "" };
    html! { p .notice role="status" data-test-device=(kind) hidden {} }
}

/// What to know where scripts are blocked.
fn without_script(visit: &Visit) -> Markup {
    html! { noscript { p .notice { (visit.texts().frame.no_script) } } }
}

/// What was wrong with a form, at its top. It gets the focus.
fn problem(visit: &Visit, error: Option<&ApiError>) -> Markup {
    html! {
        @if let Some(error) = error {
            p #problem .problem role="alert" tabindex="-1" data-focus {
                (error::say(visit.texts(), error))
            }
        }
    }
}

/// A text whose places are filled with what people typed, which can't turn what is around it.
fn with_name(text: &str, place: &str, name: &str) -> String {
    fill(text, &[(place, &isolated(name))])
}
