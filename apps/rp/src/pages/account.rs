//! The account page.

use maud::{Markup, html};
use towline_pages::fill;

use super::{error, frame, problem, with_name};
use crate::{
    ErrorCode, agent, date,
    providers::{self, Kind, Provider},
    site::Site,
    store::{
        accounts::StoredAccount,
        keys::StoredKey,
        sign_ins::{How, StoredSignIn},
    },
    visit::{Person, Visit},
    web::Shown,
};

pub(crate) fn page(site: &Site, visit: &Visit, person: &Person, shown: &Shown) -> Markup {
    let texts = &visit.texts().account;
    let account = &person.account;
    let content = html! {
        div data-signals {
            h1 { (texts.title) }
            (done(visit, shown))
            (problem(visit, shown.error.as_ref()))
            section #keys aria-labelledby="keys-title" {
                h2 #keys-title { (texts.keys) }
                @match shown.keys.as_slice() {
                    [] => p .notice { (texts.keys_none) },
                    [_] => p .notice { (texts.keys_one) },
                    _ => {},
                }
                ul .keys { @for key in &shown.keys { (card(site, visit, key)) } }
                p .actions { a .button href="/account/add" { (texts.add) } }
            }
            (log(site, visit, &shown.log))
            section aria-labelledby="settings-title" {
                h2 #settings-title { (texts.settings) }
                (password(visit, account, shown))
                (called(visit, account, shown))
            }
            p .small { (texts.session) }
        }
    };
    frame(site, visit, texts.title, content)
}

/// What was just done.
fn done(visit: &Visit, shown: &Shown) -> Markup {
    let texts = &visit.texts().account;
    let key = shown.key.as_deref().unwrap_or_default();
    let by_row = shown.keys.iter().find(|held| held.row.to_string() == key);
    let name = by_row.map(|held| held.entry.name.as_str()).unwrap_or(key);
    let text = match shown.done.as_deref() {
        Some("saved" | "called") => texts.saved.to_owned(),
        Some("renamed") => with_name(texts.key_renamed, "name", name),
        Some("removed") => with_name(texts.key_removed, "name", name),
        Some("removed-last") => {
            format!("{} {}", with_name(texts.key_removed, "name", name), texts.second_ended)
        }
        _ => return html! {},
    };
    html! { p #done .done role="status" tabindex="-1" data-focus { (text) } }
}

fn card(site: &Site, visit: &Visit, key: &StoredKey) -> Markup {
    let texts = &visit.texts().account;
    let learned = &key.learned;
    let aaguid = learned.aaguid.as_deref();
    let provider = match (providers::of_model(aaguid), aaguid) {
        (Some(Provider { kind: Kind::Test, .. }), _) if site.showcase.is_some() => {
            texts.provider_demo.to_owned()
        }
        (Some(Provider { name, kind: Kind::Test }), _) => {
            fill(texts.provider_test, &[("provider", name)])
        }
        (Some(Provider { name, .. }), _) => name.to_owned(),
        (None, Some(_)) => texts.provider_untold_model.to_owned(),
        (None, None) => texts.provider_unknown.to_owned(),
    };
    let kind = providers::kind(aaguid, &learned.transports, learned.attachment.as_deref());
    let copies = match (key.entry.backup_eligible, key.entry.backed_up) {
        (false, _) => texts.synced_never,
        (true, false) => texts.synced_not_yet,
        (true, true) => texts.synced_yes,
    };
    let name = &key.entry.name;
    html! {
        li .key {
            img .picture src={ "/assets/" (picture(kind)) } alt="" width="48" height="48";
            div .about {
                h3 { bdi { (name) } }
                p .provider title=[aaguid] { (provider) }
                dl {
                    div { dt { (texts.added) } dd { (date::shown(key.entry.added, visit.language)) } }
                    div { dt { (texts.last_used) } dd { (last_used(visit, key)) } }
                    div { dt { (texts.synced) } dd { (copies) } }
                }
            }
            p .actions {
                a .button.second href={ "/account/keys/" (key.row) "/rename" }
                    aria-label=(with_name(texts.rename_which, "name", name)) { (texts.rename) }
                a .button.second href={ "/account/keys/" (key.row) "/remove" }
                    aria-label=(with_name(texts.remove_which, "name", name)) { (texts.remove) }
            }
        }
    }
}

const fn picture(kind: Kind) -> &'static str {
    match kind {
        Kind::Manager => "manager.svg",
        Kind::Device => "device.svg",
        Kind::Phone => "phone.svg",
        Kind::SecurityKey => "security-key.svg",
        Kind::Test => "test.svg",
    }
}

fn last_used(visit: &Visit, key: &StoredKey) -> Markup {
    let texts = &visit.texts().account;
    let Some(at) = key.entry.last_used else { return html! { (texts.never) } };
    html! {
        (date::shown(at, visit.language))
        (whence(visit, key.last_browser.as_deref(), key.last_source.as_deref()))
    }
}

/// “, with Firefox, Linux, from this computer”.
fn whence(visit: &Visit, browser: Option<&str>, source: Option<&str>) -> Markup {
    let texts = &visit.texts().account;
    html! {
        @if let Some(browser) = browser { ", " (fill(texts.with, &[("browser", browser)])) }
        @if let Some(source) = source {
            ", " (fill(texts.from, &[("place", place(visit, source))]))
        }
    }
}

fn place<'a>(visit: &Visit, source: &'a str) -> &'a str {
    let own = source.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    if own { visit.texts().account.this_computer } else { source }
}

fn log(site: &Site, visit: &Visit, lines: &[StoredSignIn]) -> Markup {
    let texts = &visit.texts().account;
    html! {
        section aria-labelledby="log-title" {
            h2 #log-title { (texts.log) }
            @if lines.is_empty() {
                p { (texts.log_none) }
            } @else {
                p { (texts.log_lead) }
                table {
                    thead {
                        tr {
                            th scope="col" { (texts.log_when) }
                            th scope="col" { (texts.log_what) }
                            th scope="col" { (texts.log_where) }
                        }
                    }
                    tbody { @for line in lines { (row(site, visit, line)) } }
                }
            }
        }
    }
}

fn row(site: &Site, visit: &Visit, line: &StoredSignIn) -> Markup {
    let texts = &visit.texts().account;
    let key = line.entry.key.as_deref().unwrap_or(texts.log_some_key);
    let (what, refused) = match line.entry.refused {
        Some(code) => {
            let reason = error::briefly(visit.texts(), code);
            (fill(texts.log_refused, &[("reason", reason)]), true)
        }
        None => match line.how {
            How::Key => (with_name(texts.log_key, "key", key), false),
            How::Password => (texts.log_password.to_owned(), false),
            How::Both => (with_name(texts.log_both, "key", key), false),
        },
    };
    let from = &line.from;
    // Anybody could call themselves the tour, where there is none.
    let browser = from.browser.as_deref();
    let by_tour = site.showcase.is_some() && browser == Some(agent::TOUR);
    html! {
        tr .refused[refused] {
            td data-label=(texts.log_when) { (date::shown(line.entry.at, visit.language)) }
            td data-label=(texts.log_what) {
                (what)
                @if by_tour { ", " (texts.log_by_tour) }
            }
            td data-label=(texts.log_where) {
                @if let Some(source) = &from.source { (place(visit, source)) }
                @if let Some(browser) = browser.filter(|_| !by_tour) { ", " (browser) }
            }
        }
    }
}

fn password(visit: &Visit, account: &StoredAccount, shown: &Shown) -> Markup {
    let texts = &visit.texts().account;
    let (has, keys) = (account.password.is_some(), !shown.keys.is_empty());
    let wrong = |code| shown.error.as_ref().filter(|error| error.code == code).map(|_| "true");
    html! {
        div .card {
            h3 { (texts.password) }
            p { (if has { texts.password_set } else { texts.password_not }) }
            form method="post" action="/account/password" {
                input .sr type="text" name="username" value=(account.name) autocomplete="username"
                    tabindex="-1" aria-hidden="true" readonly;
                @if has {
                    label for="current" { (texts.password_current) }
                    input #current name="current" type="password" required maxlength="256"
                        autocomplete="current-password"
                        aria-invalid=[wrong(ErrorCode::WrongPassword)];
                }
                label for="new" { (texts.password_new) }
                p #new-hint .hint { (visit.texts().sign_in.join_password_hint) }
                input #new name="new" type="password" required minlength="10" maxlength="128"
                    autocomplete="new-password" aria-describedby="new-hint"
                    aria-invalid=[wrong(ErrorCode::BadPassword)];
                button .second type="submit" {
                    (if has { texts.password_change } else { texts.password_make })
                }
            }
            @if has && keys {
                form .apart method="post" action="/account/password/drop" {
                    p { (texts.password_drop_text) }
                    button .second type="submit" { (texts.password_drop) }
                }
            }
        }
        @if has { (second_factor(visit, account.second_factor, keys)) }
    }
}

fn second_factor(visit: &Visit, on: bool, keys: bool) -> Markup {
    let texts = &visit.texts().account;
    html! {
        div .card {
            h3 { (texts.second) }
            p { (if on { texts.second_on } else { texts.second_off }) }
            @if keys {
                form method="post" action="/account/second-factor" {
                    input type="hidden" name="on" value=(if on { "no" } else { "yes" });
                    button .second type="submit" {
                        (if on { texts.second_turn_off } else { texts.second_turn_on })
                    }
                }
            } @else {
                p .hint { (texts.second_needs_key) }
            }
        }
    }
}

fn called(visit: &Visit, account: &StoredAccount, shown: &Shown) -> Markup {
    let texts = &visit.texts().account;
    let wrong = shown.error.as_ref().filter(|error| error.code == ErrorCode::BadName);
    html! {
        div .card {
            form method="post" action="/account/name" {
                h3 { label for="called" { (texts.called) } }
                p #called-hint .hint { (texts.called_text) }
                input #called name="called" type="text" required dir="auto" autocomplete="name"
                    value=(account.called()) aria-describedby="called-hint"
                    aria-invalid=[wrong.map(|_| "true")];
                button .second type="submit" { (texts.called_save) }
            }
        }
    }
}
