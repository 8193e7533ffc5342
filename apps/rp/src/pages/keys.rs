//! Adding, renaming and removing a key.

use maud::{Markup, html};
use towline_pages::fill;

use super::{frame, problem, status, test_device, with_name, without_script};
use crate::{
    ApiError, providers, site::Site, store::keys::StoredKey, texts::keys::Keys, visit::Visit,
};

/// The first step: a name for the device.
pub(crate) fn name(site: &Site, visit: &Visit, name: &str, error: Option<&ApiError>) -> Markup {
    let texts = &visit.texts().keys;
    let content = html! {
        div .narrow {
            p .step { (fill(texts.step, &[("number", "1")])) }
            h1 { (texts.add_title) }
            (problem(visit, error))
            form method="post" action="/account/add" {
                (name_field(visit, name, error))
                button type="submit" { (texts.submit) }
            }
            (without_script(visit))
        }
    };
    frame(site, visit, texts.add_title, content)
}

fn name_field(visit: &Visit, name: &str, error: Option<&ApiError>) -> Markup {
    let texts = &visit.texts().keys;
    html! {
        label for="name" { (texts.name) }
        p #hint .hint { (texts.name_hint) }
        // Not limited by the browser, which counts other characters than we do.
        input #name name="name" type="text" required dir="auto" autocomplete="off" value=(name)
            aria-describedby=(if error.is_some() { "hint problem" } else { "hint" })
            aria-invalid=[error.map(|_| "true")];
    }
}

/// A place for a key, as pages show it.
pub(crate) struct Way {
    /// What the script calls it.
    pub(crate) place: &'static str,
    /// The name of its picture.
    pub(crate) picture: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// Every place that a key can be at.
pub(crate) fn ways(texts: &Keys) -> [Way; 5] {
    let way = |place, picture, title, text| Way { place, picture, title, text };
    [
        way("device", "device", texts.device, texts.device_text),
        way("phone", "phone", texts.phone, texts.phone_text),
        way("linked", "phone", texts.linked, texts.linked_text),
        way("usb", "security-key", texts.usb, texts.usb_text),
        way("platform", "device", texts.platform, texts.platform_text),
    ]
}

/// The second step: where the key is to be.
pub(crate) fn place(site: &Site, visit: &Visit, name: &str) -> Markup {
    let texts = &visit.texts().keys;
    let title = with_name(texts.where_title, "name", name);
    let minutes = (site.identity.challenge_lifetime.as_secs() / 60).max(1).to_string();
    let content = html! {
        p .step { (fill(texts.step, &[("number", "2")])) }
        h1 { (title) }
        (without_script(visit))
        (status())
        div data-script hidden data-add data-name=(name)
            data-seconds=(site.identity.challenge_lifetime.as_secs()) {
            (test_device(site))
            ul .ways data-ways {
                @for Way { place, picture, title, text } in ways(texts) {
                    li .way data-way=(place) {
                        img src={ "/assets/" (picture) ".svg" } alt="" width="40" height="40";
                        div {
                            button type="button" data-place=(place)
                                aria-describedby={ "way-" (place) " possible-" (place) } { (title) }
                            p #{ "way-" (place) } { (text) }
                            p .possible #{ "possible-" (place) } data-possible { (texts.checking) }
                        }
                    }
                }
            }
            div .choice {
                input #extended type="checkbox" aria-describedby="extended-text";
                div {
                    label for="extended" { (texts.extended) }
                    p #extended-text .hint { (texts.extended_text) }
                }
            }
            p .hint { (fill(visit.texts().sign_in.time, &[("minutes", &minutes)])) }
        }
        p .small { a href="/account/add" { (texts.other_name) } }
    };
    frame(site, visit, &title, content)
}

/// What came of it, and what the site got and did not get.
pub(crate) fn added(site: &Site, visit: &Visit, key: &StoredKey) -> Markup {
    let texts = &visit.texts().keys;
    let provider = providers::of_model(key.learned.aaguid.as_deref());
    let model = provider.map(|known| known.name.to_owned()).or_else(|| key.learned.aaguid.clone());
    let (format, asked) = (key.entry.attestation.as_str(), key.learned.attestation_asked);
    let content = html! {
        div .narrow data-signals {
            h1 { (texts.added_title) }
            p #done .done role="status" tabindex="-1" data-focus {
                (with_name(texts.added_text, "name", &key.entry.name))
            }
            // Whoever asked for more wants to see what came of it.
            details open[asked] {
                summary { (texts.got_title) }
                ul .plain {
                    li { (texts.got_public) }
                    li {
                        @match &model {
                            Some(model) if key.entry.attestation_trusted => {
                                (fill(texts.got_model_vouched, &[("provider", model)]))
                            }
                            Some(model) => (fill(texts.got_model, &[("provider", model)])),
                            None => (texts.got_no_model),
                        }
                    }
                    li {
                        @if !asked {
                            (texts.not_asked)
                        } @else if format == "none" {
                            (texts.not_extended)
                        } @else {
                            (fill(texts.got_extended, &[("format", format)])) " "
                            @if !site.judges {
                                (texts.not_judged)
                            } @else if key.entry.attestation_trusted {
                                (texts.vouched)
                            } @else {
                                (texts.own_word)
                            }
                        }
                    }
                    li { (texts.got_nothing_else) }
                }
            }
            p .actions {
                a .button href="/account#keys" { (texts.to_account) }
                a .button.second href="/account/add" { (texts.add_another) }
            }
        }
    };
    frame(site, visit, texts.added_title, content)
}

pub(crate) fn rename(
    site: &Site,
    visit: &Visit,
    key: &StoredKey,
    error: Option<&ApiError>,
) -> Markup {
    let texts = &visit.texts().keys;
    let title = with_name(texts.rename_title, "name", &key.entry.name);
    let content = html! {
        div .narrow {
            h1 { (title) }
            (problem(visit, error))
            form method="post" action={ "/account/keys/" (key.row) "/rename" } {
                (name_field(visit, &key.entry.name, error))
                p .actions {
                    button type="submit" { (texts.rename_button) }
                    a .button.second href="/account#keys" { (texts.to_account) }
                }
            }
        }
    };
    frame(site, visit, &title, content)
}

/// Asks once more before a key is removed.
pub(crate) fn remove(site: &Site, visit: &Visit, key: &StoredKey, last: bool) -> Markup {
    let texts = &visit.texts().keys;
    let title = with_name(texts.remove_title, "name", &key.entry.name);
    let content = html! {
        div .narrow {
            h1 { (title) }
            @if last {
                p .problem role="alert" { (texts.remove_last) }
                p .actions { a .button href="/account#keys" { (texts.to_account) } }
            } @else {
                p { (texts.remove_text) }
                form method="post" action={ "/account/keys/" (key.row) "/remove" } {
                    p .actions {
                        button .danger type="submit" { (texts.remove_button) }
                        a .button.second href="/account#keys" { (texts.keep) }
                    }
                }
            }
        }
    };
    frame(site, visit, &title, content)
}
