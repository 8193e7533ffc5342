//! `tpm`, byte by byte (WebAuthn L3 §8.3).

use ciborium::Value;
use towline_ctap::CosePublicKey;

use super::verifier::{About, Verdict, ensure, extension, member, parse, sha256, verify_signature};

/// Takes what stands at the beginning.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn sized(&mut self) -> Result<&'a [u8], &'static str> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().unwrap());
        self.take(length.into())
    }
}

pub(super) fn verify(about: &About, statement: &Value, x5c: &[Vec<u8>]) -> Verdict {
    let part = |name| member(statement, name).and_then(Value::as_bytes).ok_or("statement");
    let (area, info) = (part("pubArea")?, part("certInfo")?);
    ensure(member(statement, "ver").and_then(Value::as_text) == Some("2.0"), "ver")?;
    ensure(member(statement, "alg").and_then(Value::as_integer) == Some((-7).into()), "alg")?;
    check_area(about.key(), area)?;
    check_info(about, area, info)?;
    let leaf = parse(&x5c[0])?;
    verify_signature(&leaf, statement, info)?;
    ensure(leaf.version().0 == 2 && leaf.subject().as_raw() == [0x30, 0], "subject")?;
    let (critical, name) = extension(&leaf, "2.5.29.17").ok_or("name")?;
    let says = |text: &[u8]| name.windows(text.len()).any(|part| part == text);
    // Each with the object identifier of its attribute before it.
    ensure(critical && says(b"\x06\x05\x67\x81\x05\x02\x01\x0c\x0bid:49424D00"), "name")?;
    ensure(says(b"\x06\x05\x67\x81\x05\x02\x02") && says(b"\x06\x05\x67\x81\x05\x02\x03"), "name")?;
    let usage = extension(&leaf, "2.5.29.37");
    ensure(usage == Some((true, b"\x30\x07\x06\x05\x67\x81\x05\x08\x03")), "usage")?;
    ensure(!leaf.is_ca() && leaf.basic_constraints().unwrap().is_some(), "basic constraints")?;
    about.check_aaguid(&leaf)?;
    about.check_chain(x5c)
}

fn check_area(key: &CosePublicKey, area: &[u8]) -> Verdict {
    let mut area = Bytes(area);
    ensure(area.take(4)? == [0, 0x23, 0, 0x0b], "pubArea")?;
    ensure(area.take(4)? == [0, 4, 4, 0x72], "attributes")?;
    area.sized()?;
    let curve = if key.algorithm() == Some(-35) { 4 } else { 3 };
    ensure(area.take(8)? == [0, 0x10, 0, 0x10, 0, curve, 0, 0x10], "parameters")?;
    let point = [&[4], area.sized()?, area.sized()?].concat();
    ensure(area.0.is_empty() && key.to_plain() == Some(point), "pubArea")
}

fn check_info(about: &About, area: &[u8], info: &[u8]) -> Verdict {
    let mut info = Bytes(info);
    ensure(info.take(4)? == [0xff, b'T', b'C', b'G'], "magic")?;
    ensure(info.take(2)? == [0x80, 0x17], "type")?;
    info.sized()?;
    ensure(info.sized()? == sha256().hash(&[&about.auth_data, &about.hash]), "extraData")?;
    // Clock, counters, whether it is safe, the firmware.
    info.take(8 + 4 + 4 + 1 + 8)?;
    let name = [&[0, 0x0b][..], &sha256().hash(&[area])].concat();
    ensure(info.sized()? == name, "name")?;
    info.sized()?;
    ensure(info.0.is_empty(), "certInfo")
}
