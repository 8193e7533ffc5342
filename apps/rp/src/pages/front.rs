//! The first page, and those that explain.

use maud::{Markup, html};
use towline_pages::fill;

use super::{
    frame,
    keys::{Way, ways as ways_of},
    test_device, without_script,
};
use crate::{RpStatus, date, site::Site, visit::Visit};

pub(crate) fn home(site: &Site, visit: &Visit) -> Markup {
    let texts = &visit.texts().frame;
    let content = html! {
        h1 { (texts.home_title) }
        p .lead { (texts.home_lead) }
        (without_script(visit))
        div .cards {
            @if let Some(person) = &visit.person {
                section .card aria-labelledby="known" {
                    h2 #known { (super::with_name(texts.signed_in_as, "name", person.account.called())) }
                    p .actions { a .button href="/account" { (texts.account) } }
                }
            } @else {
                section .card aria-labelledby="new" {
                    h2 #new { (texts.home_new) }
                    p { (texts.home_new_text) }
                    p .actions { a .button href="/join" { (texts.join) } }
                }
                section .card aria-labelledby="known" {
                    h2 #known { (texts.home_known) }
                    p { (texts.home_known_text) }
                    p .actions { a .button href="/sign-in" { (texts.sign_in) } }
                }
            }
        }
        (ways(site, visit))
        (sites(site, visit))
        @if site.forgets { p .small { (texts.forgets) } }
        @if site.programs { p .small { a href="/overview" { (texts.overview) } } }
    };
    frame(site, visit, texts.home_title, content)
}

/// The ways to hold a key. The script says of each whether it is possible here.
fn ways(site: &Site, visit: &Visit) -> Markup {
    let texts = visit.texts();
    html! {
        section aria-labelledby="ways" {
            h2 #ways { (texts.frame.home_ways) }
            (test_device(site))
            ul .ways data-ways {
                @for Way { place, picture, title, text } in ways_of(&texts.keys) {
                    li .way data-way=(place) {
                        img src={ "/assets/" (picture) ".svg" } alt="" width="40" height="40";
                        div {
                            h3 { (title) }
                            p { (text) }
                            p .possible data-possible {}
                        }
                    }
                }
            }
        }
    }
}

fn sites(site: &Site, visit: &Visit) -> Markup {
    let texts = visit.texts();
    html! {
        @if !site.oidc.sites.is_empty() {
            section aria-labelledby="sites" {
                h2 #sites { (texts.frame.sites_title) }
                p { (texts.frame.sites_text) }
                ul .sites {
                    @for known in &site.oidc.sites {
                        li {
                            a href=(known.url) { (known.kind.name(texts)) }
                            " – " (known.kind.what(texts))
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn privacy(site: &Site, visit: &Visit) -> Markup {
    let texts = &visit.texts().privacy;
    let parts: [(&str, &[&str]); 5] = [
        (texts.account, &[texts.account_email, texts.account_password, texts.account_handle]),
        (texts.key, &[texts.key_public, texts.key_name, texts.key_kind]),
        (texts.visit, &[texts.visit_cookie, texts.visit_log]),
        (texts.never, &[texts.never_body, texts.never_others]),
        (texts.others, &[texts.others_text]),
    ];
    let content = html! {
        h1 { (texts.title) }
        @for (title, lines) in parts {
            section {
                h2 { (title) }
                ul .plain { @for line in lines { li { (line) } } }
            }
        }
        p { (if site.forgets { texts.kept_memory } else { texts.kept_file }) }
    };
    frame(site, visit, texts.title, content)
}

/// All that the site knows, where programs may know it, too.
pub(crate) fn overview(site: &Site, visit: &Visit, status: &RpStatus) -> Markup {
    let (texts, account) = (&visit.texts().frame, &visit.texts().account);
    let refused = fill(account.log_refused, &[("reason", "")]);
    let content = html! {
        h1 { (texts.overview_title) }
        p { code { (status.rp_id) } " · " code { (status.origin) } }
        h2 { (texts.overview_accounts) }
        @if status.accounts.is_empty() { p { (texts.overview_none) } }
        @for held in &status.accounts {
            h3 { bdi { (held.name) } }
            ul {
                @for key in &held.keys {
                    li {
                        bdi { (key.name) } ", " (account.added) " "
                        (date::shown(key.added, visit.language))
                    }
                }
            }
        }
        h2 { (account.log) }
        ul {
            @for entry in status.sign_ins.iter().rev() {
                li {
                    (date::shown(entry.at, visit.language)) ": "
                    bdi { (entry.account.as_deref().unwrap_or("?")) }
                    @if let Some(key) = &entry.key { ", " bdi { (key) } }
                    @if entry.refused.is_some() { ", " (refused.trim_end_matches([':', ' '])) }
                }
            }
        }
    };
    frame(site, visit, texts.overview_title, content)
}
