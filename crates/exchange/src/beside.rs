//! What is beside a passkey in the forms of other managers, in the words of the format (CXF 1.0,
//! section 3.3): it is kept and written with the passkey, and used by nobody here.

use crate::{
    import::Entry,
    json::{Json, Members},
    passkey::name,
};

const TEXT: &str = "string";
const CONCEALED: &str = "concealed-string";

fn field(kind: &str, value: &str) -> Json {
    Json::object([("fieldType", Json::text(kind)), ("value", Json::text(value))])
}

fn entry(kind: &str, members: Members) -> Entry {
    let mut whole = vec![(name::TYPE.to_owned(), Json::text(kind))];
    whole.extend(members);
    Entry::Other { kind: kind.to_owned(), whole: Json::Object(whole) }
}

/// Where an item is for, as a member of it: addresses of sites.
pub(crate) fn scope<'a>(urls: impl IntoIterator<Item = &'a str>) -> Option<(String, Json)> {
    let urls = urls.into_iter().filter(|url| !url.is_empty());
    let urls: Vec<_> = urls.map(Json::text).collect();
    if urls.is_empty() {
        return None;
    }
    let scope = [("urls", Json::List(urls)), ("androidApps", Json::List(Vec::new()))];
    Some(("scope".to_owned(), Json::object(scope)))
}

/// A name and a password, if there is a password.
pub(crate) fn basic_auth(username: Option<&str>, password: Option<&str>) -> Option<Entry> {
    let password = password.filter(|password| !password.is_empty())?;
    let username = username.map(|username| ("username".to_owned(), field(TEXT, username)));
    let password = ("password".to_owned(), field(CONCEALED, password));
    Some(entry("basic-auth", username.into_iter().chain([password]).collect()))
}

/// A note, if there is something in it.
pub(crate) fn note(text: Option<&str>) -> Option<Entry> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(entry("note", vec![("content".to_owned(), field(TEXT, text))]))
}

/// Fields that a person has named, and what has no better form, each with its label.
pub(crate) fn custom_fields<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Entry> {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields = fields.map(|(label, value)| {
        Json::object([
            ("fieldType", Json::text(CONCEALED)),
            ("value", Json::text(value)),
            ("label", Json::text(label)),
        ])
    });
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() {
        return None;
    }
    Some(entry("custom-fields", vec![("fields".to_owned(), Json::List(fields))]))
}
