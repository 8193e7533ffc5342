//! The pages of the two sites that sign in through this one, and what this one says about them.

use maud::{DOCTYPE, Markup, html};
use towline_pages::{Language, fill, for_scripts};

use super::{frame, showcased, styles, with_name};
use crate::{
    date,
    site::Site,
    sites::{KnownSite, RelyingSite, Visitor},
    texts::{self, script::SCRIPT},
    visit::Visit,
};

/// What is around the pages of a site: plain, in the site's own colour.
fn site_frame(site: &RelyingSite, language: Language, title: &str, content: Markup) -> Markup {
    let texts = texts::of(language);
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/assets/towline.svg" type="image/svg+xml";
                (styles())
                (showcased(site.showcase.as_ref()))
                script type="module" src="/assets/page.js" {}
            }
            body .(site.known.kind.client_id()) data-origin=(site.known.url) {
                a .skip href="#main" { (texts.frame.skip) }
                header .top {
                    a .brand href="/" { (site.known.kind.name(texts)) }
                    nav aria-label=(texts.frame.main_navigation) {
                        a href=(site.provider) {
                            (fill(texts.sites.to_provider, &[("provider", &site.provider_name)]))
                        }
                        (language.switch(texts.frame.language, "/language", "/"))
                    }
                }
                main #main tabindex="-1" { div .narrow { (content) } }
                footer { p { (texts.frame.demo) "." } }
                (for_scripts(SCRIPT.iter(), language))
            }
        }
    }
}

/// A site's only page: who is here, or how to get in.
pub(crate) fn home(
    site: &RelyingSite,
    language: Language,
    visitor: Option<&Visitor>,
    said: Option<&str>,
) -> Markup {
    let texts = texts::of(language);
    let (name, provider) = (site.known.kind.name(texts), site.provider_name.as_str());
    let welcome = fill(texts.sites.welcome, &[("site", name)]);
    let content = html! {
        h1 { (welcome) }
        p .lead { (site.known.kind.what(texts)) }
        @if let Some(said) = said {
            p .done role="status" tabindex="-1" data-focus { (said) }
        }
        @match visitor {
            Some(visitor) => (known(site, language, visitor)),
            None => {
                p { (texts.sites.lead) }
                form method="post" action="/sign-in" {
                    button type="submit" { (fill(texts.sites.sign_in, &[("provider", provider)])) }
                }
            }
        }
    };
    site_frame(site, language, &welcome, content)
}

fn known(site: &RelyingSite, language: Language, visitor: &Visitor) -> Markup {
    let texts = &texts::of(language).sites;
    let used = |method: &str| visitor.methods.iter().any(|used| used == method);
    let how = match (used("pwd"), used("pop")) {
        (true, true) => texts.how_both,
        (true, false) => texts.how_password,
        _ => texts.how_key,
    };
    html! {
        p .done { (with_name(texts.signed_in, "name", &visitor.name)) }
        section .card aria-labelledby="know" {
            h2 #know { (texts.know) }
            dl {
                @if let Some(email) = &visitor.email { dt { (texts.email) } dd { bdi { (email) } } }
                @if let Some(at) = visitor.verified {
                    dt { (texts.when) } dd { (date::shown(at, language)) }
                }
                dt { (texts.how) } dd { (how) }
                dt { (texts.number) } dd { code { (visitor.number) } }
            }
        }
        div .actions {
            form method="post" action="/sign-out" {
                button .second type="submit" { (texts.sign_out) }
            }
            form method="post" action="/sign-out?everywhere" {
                button .second type="submit" { (texts.sign_out_everywhere) }
            }
            @if site.known.kind.wants_fresh_proof() {
                form method="post" action="/sign-in" {
                    button type="submit" {
                        (fill(texts.sign_in, &[("provider", &site.provider_name)]))
                    }
                }
            }
        }
    }
}

/// The provider did not let the person in.
pub(crate) fn failed(site: &RelyingSite, language: Language, reason: &str) -> Markup {
    let texts = &texts::of(language).sites;
    let provider = site.provider_name.as_str();
    let said = fill(texts.failed, &[("provider", provider), ("reason", reason)]);
    let title = texts::of(language).errors.title;
    let content = html! {
        h1 { (title) }
        p .problem role="alert" { (said) }
        form method="post" action="/sign-in" {
            button type="submit" { (fill(texts.sign_in, &[("provider", provider)])) }
        }
    };
    site_frame(site, language, title, content)
}

/// At the provider: somebody was sent by a site that is not known.
pub(crate) fn unknown(site: &Site, visit: &Visit) -> Markup {
    let texts = visit.texts();
    let content = html! {
        h1 { (texts.errors.title) }
        p .problem role="alert" { (texts.sites.unknown_site) }
        p .actions { a .button href="/" { (texts.errors.back_home) } }
    };
    frame(site, visit, texts.errors.title, content)
}

/// At the provider: a site asks to sign the person out.
pub(crate) fn sign_out(site: &Site, visit: &Visit, asking: &KnownSite) -> Markup {
    let texts = visit.texts();
    let (name, provider) = (asking.kind.name(texts), site.identity.rp_name.as_str());
    let title = fill(texts.sites.bye_title, &[("provider", provider)]);
    let content = html! {
        div .narrow {
            h1 { (title) }
            p { (fill(texts.sites.bye_text, &[("site", name), ("provider", provider)])) }
            form method="post" action="/end-session" {
                input type="hidden" name="client_id" value=(asking.kind.client_id());
                input type="hidden" name="post_logout_redirect_uri"
                    value=(asking.after_sign_out());
                p .actions {
                    button type="submit" { (texts.frame.sign_out) }
                    a .button.second href=(asking.url) { (texts.sites.stay) }
                }
            }
        }
    };
    frame(site, visit, &title, content)
}
