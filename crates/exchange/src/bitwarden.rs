//! Bitwarden's own JSON, not sealed, as a courtesy: it has passkeys in its logins
//! (`fido2Credentials`), under other names and with numbers as texts.

use crate::{
    Defect, ImportLimits, NotCxf, base64url, beside, extension,
    import::{Entry, Item, TITLE_KEPT},
    item::{CREDENTIALS, TITLE},
    json::{Json, Members, member},
    passkey::{cut, name, take, text},
};

/// What it begins an id with that is no UUID.
const RAW_ID: &str = "b64.";

/// Whether a document is one of Bitwarden's.
pub(crate) fn is_it(members: &Members) -> bool {
    member(members, "encrypted").is_some() && member(members, CREDENTIALS).is_none()
}

/// The items with something in them that is of use here.
pub(crate) fn read(mut members: Members, limits: &ImportLimits) -> Result<Vec<Item>, NotCxf> {
    if member(&members, "encrypted") != Some(&Json::Bool(false)) {
        return Err(NotCxf::Sealed);
    }
    let Some(Json::List(items)) = take(&mut members, "items") else { return Err(NotCxf::Other) };
    Ok(items.into_iter().filter_map(|item| read_item(item, limits)).collect())
}

fn read_item(item: Json, limits: &ImportLimits) -> Option<Item> {
    let Json::Object(mut members) = item else { return None };
    let Some(Json::Object(mut login)) = take(&mut members, "login") else { return None };
    let Some(Json::List(passkeys)) = take(&mut login, "fido2Credentials") else { return None };
    // One time for all: that of the first that was made.
    let dates = passkeys.iter().filter_map(|passkey| passkey.get("creationDate")?.as_text());
    let made = dates.filter_map(time).min();
    let mut extensions = Vec::new();
    let entries = passkeys.into_iter().map(|passkey| match passkey {
        Json::Object(passkey) => {
            let (members, claim) = translated(passkey);
            extensions.extend(claim);
            Entry::read(Json::Object(members), limits)
        }
        _ => Entry::Refused { refusal: Defect::NotACredential.into(), site: None, account: None },
    });
    let mut credentials: Vec<Entry> = entries.collect();
    credentials.extend(beside::basic_auth(text(&login, "username"), text(&login, "password")));
    credentials.extend(beside::note(text(&members, "notes")));
    let totp = text(&login, "totp").map(|totp| ("totp", totp));
    let fields = member(&members, "fields").and_then(Json::as_list).unwrap_or_default();
    let fields = fields.iter().filter_map(|field| {
        let part = |name| field.get(name).and_then(Json::as_text);
        Some((part("name").unwrap_or_default(), part("value")?))
    });
    credentials.extend(beside::custom_fields(totp.into_iter().chain(fields)));
    let mut rest = Members::new();
    rest.extend(text(&members, "name").map(|title| (TITLE.to_owned(), Json::text(title))));
    let uris = member(&login, "uris").and_then(Json::as_list).unwrap_or_default();
    let uris = uris.iter().filter_map(|uri| uri.get("uri").and_then(Json::as_text));
    rest.extend(beside::scope(uris));
    let title = text(&members, "name").map(|title| cut(title, TITLE_KEPT).into());
    Some(Item { title, made, extensions, rest, credentials, ..Item::default() })
}

/// Its names of the members, with ours. `keyType`, `keyAlgorithm` and `keyCurve` say nothing that
/// is not in the key.
const MEMBERS: [(&str, &str); 7] = [
    ("credentialId", name::CREDENTIAL_ID),
    ("rpId", name::RP_ID),
    ("userHandle", name::USER_HANDLE),
    ("keyValue", name::KEY),
    ("userName", name::USERNAME),
    ("userDisplayName", name::USER_DISPLAY_NAME),
    ("counter", "counter"),
];

/// The members by the names of the format, those that are there twice as well; and what it has no
/// member for.
fn translated(passkey: Members) -> (Members, Option<Json>) {
    let mut members = vec![(name::TYPE.to_owned(), Json::text(name::PASSKEY))];
    let mut says = Vec::new();
    for (theirs, value) in passkey {
        match (theirs.as_str(), value.as_text()) {
            ("discoverable", Some("false")) => {
                says.push((extension::DISCOVERABLE, Json::Bool(false)));
            }
            ("rpName", Some(name)) if !name.is_empty() => {
                says.push((extension::RP_NAME, Json::text(name)));
            }
            _ => {}
        }
        let Some((_, ours)) = MEMBERS.into_iter().find(|(known, _)| *known == theirs) else {
            continue;
        };
        let value = match ours {
            name::CREDENTIAL_ID => value.as_text().map_or(Json::Null, credential_id),
            "counter" => {
                let number = value.as_text().and_then(|text| text.parse::<i64>().ok());
                number.map_or(value, Json::number)
            }
            _ => value,
        };
        members.push((ours.to_owned(), value));
    }
    let id = member(&members, name::CREDENTIAL_ID).filter(|_| !says.is_empty());
    let claim = id.map(|id| extension::claim(id, says));
    (members, claim)
}

fn credential_id(id: &str) -> Json {
    match (id.strip_prefix(RAW_ID), uuid(id)) {
        (Some(id), _) => Json::text(id),
        (None, Some(id)) => Json::Text(base64url::write(&id)),
        (None, None) => Json::text(id),
    }
}

/// The 16 bytes of a UUID in its usual form.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups != [8, 4, 4, 4, 12] || text.contains('+') {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok().map(u128::to_be_bytes)
}

/// Seconds of Unix time from `2026-01-02T03:04:05.678Z`.
fn time(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let rest = rest.strip_suffix('Z')?.split('.').next()?;
    let numbers = |text: &str, between: char| {
        let numbers = text.split(between).map(|number| number.parse::<u16>().ok().map(i64::from));
        let numbers: Option<Vec<i64>> = numbers.collect();
        numbers.and_then(|numbers| <[i64; 3]>::try_from(numbers).ok())
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hours, minutes, seconds] = numbers(rest, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the Gregorian calendar, in years that begin in March, so that leap days end them.
    let (years, months) = if month > 2 {
        (year, month.saturating_sub(3))
    } else {
        (year.saturating_sub(1), month.saturating_add(9))
    };
    let leaps = (years / 4).saturating_sub(years / 100).saturating_add(years / 400);
    let days = years
        .saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(months.saturating_mul(153).saturating_add(2) / 5)
        .saturating_add(day)
        .saturating_sub(719_469);
    let hours = days.saturating_mul(24).saturating_add(hours);
    Some(
        hours.saturating_mul(60).saturating_add(minutes).saturating_mul(60).saturating_add(seconds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        assert_eq!(time("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(time("2024-02-29T12:30:05Z"), Some(1_709_209_805));
        assert_eq!(time("2026-05-28T20:26:40.500Z"), Some(1_780_000_000));
        for text in ["", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00Z", "x-1-1T0:0:0Z"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_uuids_or_bytes() {
        assert_eq!(
            uuid("00010203-0405-0607-0809-0a0b0c0d0e0f"),
            Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );
        assert_eq!(uuid("0001020304050607-0809-0a0b0c0d0e0f"), None);
    }
}
