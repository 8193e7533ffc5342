//! Making an account, and the steps of signing in.

use maud::{Markup, html};
use towline_pages::fill;

use super::{
    frame,
    keys::{Way, ways},
    problem, status, test_device, with_name, without_script,
};
use crate::{
    ApiError, ErrorCode,
    site::Site,
    visit::Visit,
    web::{Joining, Step},
};

/// The step that asks who it is. Browsers offer passkeys in its field.
pub(crate) fn email(
    site: &Site,
    visit: &Visit,
    next: Option<&str>,
    error: Option<&ApiError>,
) -> Markup {
    let texts = &visit.texts().sign_in;
    let content = html! {
        div .narrow {
            h1 { (texts.title) }
            (for_site(site, visit, next))
            (problem(visit, error))
            form method="post" action="/sign-in" {
                label for="email" { (texts.email) }
                p #hint .hint { (texts.email_hint) }
                input #email name="email" type="text" inputmode="email" maxlength="64" required
                    autocomplete="username webauthn" autocapitalize="none" spellcheck="false"
                    aria-describedby=(if error.is_some() { "hint problem" } else { "hint" })
                    aria-invalid=[error.map(|_| "true")];
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                button type="submit" { (texts.next) }
            }
            div data-script hidden {
                p .or { span { (texts.or) } }
                button .second type="button" data-sign-in data-next=[next] data-conditional {
                    (texts.passkey_only)
                }
            }
            (status())
            (without_script(visit))
            p .small { (texts.no_account) " " a href="/join" { (texts.join) } }
        }
    };
    frame(site, visit, texts.title, content)
}

/// Whose site it is that waits, and whether it wants a fresh proof.
fn for_site(site: &Site, visit: &Visit, next: Option<&str>) -> Markup {
    let texts = visit.texts();
    let waiting = next.and_then(|next| site.waiting(next));
    html! {
        @if let Some((kind, fresh)) = waiting {
            @let text = if fresh { texts.sign_in.fresh } else { texts.sign_in.for_site };
            p .notice { (fill(text, &[("site", kind.name(texts))])) }
        }
    }
}

/// The step that asks by what, or, after the password, for the key.
pub(crate) fn how(site: &Site, visit: &Visit, step: &Step, error: Option<&ApiError>) -> Markup {
    let texts = &visit.texts().sign_in;
    let minutes = (site.identity.challenge_lifetime.as_secs() / 60).max(1).to_string();
    let second = step.password_passed;
    let title = if second { texts.second_title } else { texts.how_title };
    let key_button = if second { texts.second_button } else { texts.key_button };
    let content = html! {
        div .narrow {
            h1 { (title) }
            p {
                (with_name(texts.how_as, "name", &step.account)) " "
                a href="/sign-in" { (texts.not_you) }
            }
            (for_site(site, visit, step.next.as_deref()))
            (problem(visit, error))
            section .card aria-labelledby="key" {
                h2 #key { (texts.key_title) }
                p { (if second { texts.second_text } else { texts.key_text }) }
                div data-script hidden {
                    button type="button" data-sign-in data-step=(step.id)
                        data-seconds=(site.identity.challenge_lifetime.as_secs()) { (key_button) }
                    (test_device(site))
                    (places(site, visit, step))
                }
                (status())
                (without_script(visit))
                p .hint { (fill(texts.time, &[("minutes", &minutes)])) }
            }
            @if !second {
                section .card aria-labelledby="word" {
                    h2 #word { (texts.password_title) }
                    form method="post" action="/sign-in/password" {
                        input type="hidden" name="step" value=(step.id);
                        // Not shown, for password managers.
                        input .sr type="text" name="username" value=(step.account)
                            autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
                        label for="password" { (texts.password) }
                        input #password name="password" type="password" required maxlength="256"
                            autocomplete="current-password"
                            aria-describedby=[error.map(|_| "problem")]
                            aria-invalid=[error.map(|_| "true")];
                        button .second type="submit" { (texts.password_button) }
                    }
                }
            }
        }
    };
    frame(site, visit, title, content)
}

/// The same, for whoever says beforehand where the key is: the browser then asks that way.
fn places(site: &Site, visit: &Visit, step: &Step) -> Markup {
    html! {
        details .places {
            summary { (visit.texts().sign_in.places) }
            ul .plain data-ways {
                @for Way { place, title, .. } in ways(&visit.texts().keys) {
                    li data-way=(place) {
                        button .second type="button" data-sign-in data-step=(step.id)
                            data-place=(place) aria-describedby={ "possible-" (place) }
                            data-seconds=(site.identity.challenge_lifetime.as_secs()) { (title) }
                        p .hint #{ "possible-" (place) } data-possible {}
                    }
                }
            }
        }
    }
}

/// The form of a new account.
pub(crate) fn join(
    site: &Site,
    visit: &Visit,
    typed: &Joining,
    error: Option<&ApiError>,
) -> Markup {
    let texts = &visit.texts().sign_in;
    let wrong =
        |codes: &[ErrorCode]| error.filter(|error| codes.contains(&error.code)).map(|_| "true");
    let content = html! {
        div .narrow {
            h1 { (texts.join_title) }
            p .lead { (texts.join_lead) }
            (problem(visit, error))
            form method="post" action="/join" {
                label for="email" { (texts.email) }
                input #email name="email" type="email" required maxlength="64"
                    autocomplete="username" value=(typed.email)
                    aria-invalid=[wrong(&[ErrorCode::BadAddress, ErrorCode::NameTaken])];
                label for="called" { (texts.join_name) }
                input #called name="called" type="text" maxlength="64" autocomplete="name"
                    value=(typed.called) aria-invalid=[wrong(&[ErrorCode::BadName])];
                label for="password" { (texts.join_password) }
                p #hint .hint { (texts.join_password_hint) }
                input #password name="password" type="password" required minlength="10"
                    maxlength="128" autocomplete="new-password" aria-describedby="hint"
                    aria-invalid=[wrong(&[ErrorCode::BadPassword])];
                button type="submit" { (texts.join_button) }
            }
            p .small { (texts.have_account) " " a href="/sign-in" { (texts.title) } }
        }
    };
    frame(site, visit, texts.join_title, content)
}
