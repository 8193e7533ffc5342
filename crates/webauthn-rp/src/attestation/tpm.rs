//! `tpm` (§8.3): what a TPM says about a key that it holds.

use towline_ctap::CosePublicKey;

use super::{
    judge::{About, Flaw, Statement, Verdict, ensure},
    x509::Certificate,
};

/// TPM_ALG_SHA256, the one name algorithm that is known here.
const SHA256: u16 = 0x000b;
/// TPM_ALG_NULL: none.
const NULL: u16 = 0x0010;
/// TPM_ALG_ECC.
const ECC: u16 = 0x0023;
/// TPM_GENERATED_VALUE, and TPM_ST_ATTEST_CERTIFY after it.
const CERTIFIED: [u8; 6] = [0xff, b'T', b'C', b'G', 0x80, 0x17];
/// tcg-kp-AIKCertificate, in a list of one.
const AIK_USAGE: &[u8] = b"\x30\x07\x06\x05\x67\x81\x05\x08\x03";

const SHORT: Flaw = Flaw::Wrong("a structure of its TPM can't be read");

/// Takes what stands at the beginning.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16, Flaw> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*taken))
    }

    fn sized(&mut self) -> Result<&'a [u8], Flaw> {
        let length = self.number()?;
        self.take(length.into())
    }

    /// An algorithm; each but none has the hash with it.
    fn scheme(&mut self) -> Result<(), Flaw> {
        if self.number()? != NULL {
            self.number()?;
        }
        Ok(())
    }
}

pub(super) fn check(about: &About<'_>, statement: &Statement<'_>) -> Verdict {
    let missing = Flaw::Wrong("a member is missing");
    ensure(statement.ver == Some("2.0"), "it is of another version of TPM")?;
    let (area, info) = (statement.pub_area.ok_or(missing)?, statement.cert_info.ok_or(missing)?);
    let alg = statement.alg.ok_or(missing)?;
    check_area(&about.attested.public_key, area)?;
    check_info(about, area, info)?;
    let chain = about.chain(statement.x5c()?)?;
    let leaf = chain.first().ok_or(missing)?;
    leaf.check_signature(alg, info, statement.sig.ok_or(missing)?, about.provider)?;
    check_certificate(leaf)?;
    about.check_aaguid(leaf)?;
    about.check_chain(&chain)
}

fn check_area(key: &CosePublicKey, area: &[u8]) -> Verdict {
    let mut area = Bytes(area);
    // Keys of RSA are no passkeys of those that are made now.
    if area.number()? != ECC || area.number()? != SHA256 {
        return Err(Flaw::Unsupported);
    }
    area.take(4)?;
    area.sized()?;
    area.scheme()?;
    area.scheme()?;
    area.number()?;
    area.scheme()?;
    let point = [&[4], area.sized()?, area.sized()?].concat();
    let same = area.0.is_empty() && key.to_plain() == Some(point);
    ensure(same, "its TPM holds another key")
}

fn check_info(about: &About<'_>, area: &[u8], info: &[u8]) -> Verdict {
    let mut info = Bytes(info);
    ensure(info.take(6)? == CERTIFIED, "its TPM certifies something else")?;
    info.sized()?;
    let asked = about.provider.sha256.hash(&[about.auth_data, about.hash]);
    ensure(info.sized()? == asked, "its TPM certifies for another registration")?;
    // Clock, counters, whether it is safe, the firmware.
    info.take(25)?;
    let name = [&SHA256.to_be_bytes()[..], &about.provider.sha256.hash(&[area])].concat();
    ensure(info.sized()? == name, "its TPM certifies another key")
}

/// The certificate of an attestation identity key (§8.3.1).
fn check_certificate(leaf: &Certificate<'_>) -> Verdict {
    const WHAT: &str = "the certificate is none of a TPM";
    leaf.check_end_entity()?;
    ensure(leaf.it.subject().as_raw() == [0x30, 0], WHAT)?;
    let (critical, name) = leaf.extension("2.5.29.17").ok_or(Flaw::Wrong(WHAT))?;
    let has = |oid: &[u8]| name.windows(oid.len()).any(|part| part == oid);
    // Manufacturer, model and version.
    let says = (1..=3).all(|last| has(&[0x06, 0x05, 0x67, 0x81, 0x05, 0x02, last]));
    ensure(critical && says, WHAT)?;
    let usage = leaf.extension("2.5.29.37").is_some_and(|(_, value)| value == AIK_USAGE);
    ensure(usage, WHAT)
}
