//! The extension of `android-key`, read element by element.

use super::verifier::{Verdict, ensure};

/// The tags of the members that WebAuthn L3 §8.4 names.
const PURPOSE: &[u8] = &[0xa1];
const ALL_APPLICATIONS: &[u8] = &[0xbf, 0x84, 0x58];
const ORIGIN: &[u8] = &[0xbf, 0x85, 0x3e];

/// The tag and the content of an element.
type Element<'a> = (&'a [u8], &'a [u8]);

/// All elements of these bytes, one after the other.
pub(super) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while let Some(first) = bytes.first() {
        let more = bytes[1..].iter().position(|byte| byte & 0x80 == 0)?;
        let (tag, rest) = bytes.split_at(if first & 0x1f == 0x1f { more + 2 } else { 1 });
        let (head, rest) = rest.split_first()?;
        let (length, rest) = match head {
            0x81 => (usize::from(*rest.first()?), &rest[1..]),
            0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), &rest[2..]),
            short => (usize::from(*short), rest),
        };
        let (content, rest) = rest.split_at_checked(length)?;
        found.push((tag, content));
        bytes = rest;
    }
    Some(found)
}

pub(super) fn verify(description: &[u8], challenge: &[u8]) -> Verdict {
    let description = elements(description).ok_or("description")?;
    let [(&[0x30], members)] = description[..] else { return Err("description") };
    let members = elements(members).ok_or("description")?;
    let [version, level, store, stored, (&[4], asked), (&[4], []), software, trusted] = members[..]
    else {
        return Err("description");
    };
    ensure([version, level, store, stored].map(|it| it.0[0]) == [2, 10, 2, 10], "description")?;
    ensure(asked == challenge, "challenge")?;
    let mut lists = Vec::new();
    for list in [software, trusted] {
        ensure(list.0 == [0x30], "description")?;
        lists.extend(elements(list.1).ok_or("description")?);
    }
    let has = |tag: &[u8], value: &[u8]| lists.contains(&(tag, value));
    ensure(lists.iter().all(|(tag, _)| *tag != ALL_APPLICATIONS), "all applications")?;
    ensure(has(ORIGIN, &[2, 1, 0]), "origin")?;
    ensure(has(PURPOSE, &[0x31, 3, 2, 1, 2]), "purpose")
}
