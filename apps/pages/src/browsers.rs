//! What browsers are told about every answer.

use http::{HeaderMap, HeaderValue, header};

/// Tells browsers what an answer may do: nothing comes from elsewhere unless `more` says so, the
/// rest of the content security policy, and other origins don't learn which page led to them.
/// Nothing is kept, unless the answer says how long.
pub fn tell_browsers(headers: &mut HeaderMap, more: &str) {
    let policy = format!("default-src 'self'; base-uri 'none'; object-src 'none'; {more}");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, with which browsers don't say the origin of forms.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
