//! Errors in the person's language, each with the next step.

use maud::{Markup, html};

use super::frame;
use crate::{ApiError, ErrorCode, site::Site, texts::Texts, visit::Visit};

/// What went wrong and what to do, for a person.
pub(crate) fn say(texts: &'static Texts, error: &ApiError) -> &'static str {
    let errors = &texts.errors;
    match error.code {
        ErrorCode::BadRequest | ErrorCode::UnsupportedMediaType => errors.bad_request,
        ErrorCode::BadName => errors.bad_name,
        ErrorCode::BadAddress => errors.bad_email,
        ErrorCode::BadPassword => errors.bad_password,
        ErrorCode::NotFound => errors.not_found,
        ErrorCode::MethodNotAllowed => errors.method,
        ErrorCode::TooLarge => errors.too_large,
        ErrorCode::TooSlow => errors.too_slow,
        ErrorCode::Forbidden => errors.forbidden,
        ErrorCode::UnknownKey => errors.unknown_key,
        ErrorCode::NoKeys => texts.account.second_needs_key,
        ErrorCode::UnknownCeremony => errors.over,
        ErrorCode::AlreadyRegistered => errors.registered,
        ErrorCode::Full => errors.full,
        ErrorCode::NameTaken => errors.taken,
        ErrorCode::WrongPassword | ErrorCode::UnknownAccount => errors.wrong_password,
        ErrorCode::TooMany => errors.too_many,
        ErrorCode::SignedOut => errors.signed_out,
        ErrorCode::NotVerified => errors.not_verified,
        ErrorCode::NotVouchedFor => errors.not_vouched_for,
        ErrorCode::LastKey => errors.last_key,
        ErrorCode::StorageFull => errors.storage_full,
        ErrorCode::StorageBusy => errors.storage_busy,
        ErrorCode::StorageReadOnly => errors.storage_read_only,
        ErrorCode::Internal | ErrorCode::Unknown => errors.internal,
    }
}

/// The same for the log, in few words.
pub(crate) const fn briefly(texts: &'static Texts, code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::WrongPassword => texts.errors.log_wrong_password,
        ErrorCode::NotVerified => texts.errors.log_not_verified,
        ErrorCode::UnknownKey => texts.errors.log_unknown_key,
        _ => texts.errors.log_other,
    }
}

/// A page of its own.
pub(crate) fn page(site: &Site, visit: &Visit, error: &ApiError) -> Markup {
    let texts = visit.texts();
    let content = html! {
        h1 { (texts.errors.title) }
        p .problem role="alert" { (say(texts, error)) }
        p .actions {
            @if error.code == ErrorCode::UnknownCeremony && visit.person.is_none() {
                a .button href="/sign-in" { (texts.errors.try_again) }
            } @else if visit.person.is_some() {
                a .button href="/account" { (texts.errors.back_account) }
            } @else {
                a .button href="/" { (texts.errors.back_home) }
            }
        }
    };
    frame(site, visit, texts.errors.title, content)
}
