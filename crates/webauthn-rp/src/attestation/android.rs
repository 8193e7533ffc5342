//! `android-key` (§8.4): the extension in which Android describes the key.

use super::judge::{Flaw, Verdict, ensure};

/// The tags of the members that §8.4 names.
const PURPOSE: &[u8] = &[0xa1];
const ALL_APPLICATIONS: &[u8] = &[0xbf, 0x84, 0x58];
const ORIGIN: &[u8] = &[0xbf, 0x85, 0x3e];
/// KM_PURPOSE_SIGN alone, and KM_ORIGIN_GENERATED.
const SIGN: &[u8] = &[0x31, 3, 2, 1, 2];
const GENERATED: &[u8] = &[2, 1, 0];

const SEQUENCE: &[u8] = &[0x30];
const OCTET_STRING: &[u8] = &[0x04];

/// The tag and the content of an element of DER.
type Element<'a> = (&'a [u8], &'a [u8]);

/// The element at the beginning, and what follows it.
fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (first, more) = bytes.split_first()?;
    let tag = match first & 0x1f {
        0x1f => more.iter().position(|byte| byte & 0x80 == 0)?.checked_add(2)?,
        _ => 1,
    };
    let (tag, rest) = bytes.split_at_checked(tag)?;
    let (head, rest) = rest.split_first()?;
    let (length, rest) = match head {
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        0..=0x7f => (usize::from(*head), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(((tag, content), rest))
}

/// All elements of these bytes, one after the other.
fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (next, rest) = element(bytes)?;
        found.push(next);
        bytes = rest;
    }
    Some(found)
}

/// Whether this key was made for this challenge, on the device, for one application, to sign.
pub(super) fn check(description: &[u8], challenge: &[u8]) -> Verdict {
    const UNREADABLE: Flaw = Flaw::Wrong("its description of the key can't be read");
    let description = elements(description).ok_or(UNREADABLE)?;
    let [(SEQUENCE, members)] = description[..] else { return Err(UNREADABLE) };
    let members = elements(members).ok_or(UNREADABLE)?;
    // Two versions with their security levels, the challenge, an id, and two lists.
    let [_, _, _, _, (OCTET_STRING, asked), _, (SEQUENCE, software), (SEQUENCE, trusted), ..] =
        members[..]
    else {
        return Err(UNREADABLE);
    };
    ensure(asked == challenge, "its key was made for another challenge")?;
    let mut all = elements(software).ok_or(UNREADABLE)?;
    all.extend(elements(trusted).ok_or(UNREADABLE)?);
    let only = |tag: &[u8], value: &[u8]| {
        let mut found = all.iter().filter(|(it, _)| *it == tag).peekable();
        found.peek().is_some() && found.all(|(_, it)| *it == value)
    };
    ensure(all.iter().all(|(tag, _)| *tag != ALL_APPLICATIONS), "its key is for all applications")?;
    ensure(only(ORIGIN, GENERATED), "its key was not made on the device")?;
    ensure(only(PURPOSE, SIGN), "its key is not for signatures")
}
