//! Certificates (RFC 5280), one member after the other, so that each can be bent before it is
//! signed.

use towline_crypto::{Error, SigningKey};
use towline_ctap::CosePublicKey;

use super::der;

/// Object identifiers of what stands in attestation certificates, as their arcs.
pub mod oid {
    /// The AAGUID (WebAuthn L3 §8.2.1): an octet string of 16 bytes.
    pub const AAGUID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
    /// The serial number of the device (WebAuthn L3 §8.2.2): an octet string.
    pub const SERIAL_NUMBER: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 2];
    /// The key description of `android-key` (WebAuthn L3 §8.4).
    pub const KEY_DESCRIPTION: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];
    /// The nonce of `apple` (WebAuthn L3 §8.8).
    pub const APPLE_NONCE: &[u64] = &[1, 2, 840, 113635, 100, 8, 2];
    /// The extended key usage of a TPM's attestation key (WebAuthn L3 §8.3.1).
    pub const TPM_ATTESTATION_KEY: &[u64] = &[2, 23, 133, 8, 3];
    /// The manufacturer of a TPM, in the subject alternative name.
    pub const TPM_MANUFACTURER: &[u64] = &[2, 23, 133, 2, 1];
    /// The model of a TPM, in the subject alternative name.
    pub const TPM_MODEL: &[u64] = &[2, 23, 133, 2, 2];
    /// The firmware version of a TPM, in the subject alternative name.
    pub const TPM_VERSION: &[u64] = &[2, 23, 133, 2, 3];
    /// Subject alternative name (RFC 5280 §4.2.1.6).
    pub const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
    /// Basic constraints (RFC 5280 §4.2.1.9).
    pub const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
    /// Key usage (RFC 5280 §4.2.1.3).
    pub const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
    /// Extended key usage (RFC 5280 §4.2.1.12).
    pub const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
    /// The country in a name.
    pub const COUNTRY: &[u64] = &[2, 5, 4, 6];
    /// The organization in a name.
    pub const ORGANIZATION: &[u64] = &[2, 5, 4, 10];
    /// The organizational unit in a name.
    pub const ORGANIZATIONAL_UNIT: &[u64] = &[2, 5, 4, 11];
    /// The common name in a name.
    pub const COMMON_NAME: &[u64] = &[2, 5, 4, 3];

    pub(super) const ECDSA_WITH_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];
    pub(super) const EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10045, 2, 1];
    pub(super) const P256: &[u64] = &[1, 2, 840, 10045, 3, 1, 7];
    pub(super) const P384: &[u64] = &[1, 3, 132, 0, 34];
    pub(super) const ED25519: &[u64] = &[1, 3, 101, 112];
    pub(super) const RSA: &[u64] = &[1, 2, 840, 113549, 1, 1, 1];
}

/// COSE curves (RFC 9053 §7.1).
const COSE_P384: i64 = 2;
const COSE_ED25519: i64 = 6;

/// A distinguished name: the arcs of each attribute's object identifier, and its text.
pub type Name = Vec<(&'static [u64], String)>;

/// A certificate before its issuer signs it, with ECDSA and SHA-256.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The version, from 1 on; all here are of version 3.
    pub version: u64,
    /// The serial number, big-endian.
    pub serial_number: Vec<u8>,
    /// The name of the issuer.
    pub issuer: Name,
    /// The first second in which it is valid, in UTC: `20200101000000Z`.
    pub not_before: String,
    /// The last second in which it is valid, in UTC: `20991231235959Z`.
    pub not_after: String,
    /// The name of the subject; empty for a TPM's attestation key.
    pub subject: Name,
    /// SubjectPublicKeyInfo in DER ([`subject_public_key_info`]).
    pub public_key: Vec<u8>,
    /// The extensions, in this order.
    pub extensions: Vec<CertificateExtension>,
}

/// What a certificate says beyond names, time and key (RFC 5280 §4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateExtension {
    /// The arcs of its object identifier ([`oid`]).
    pub oid: &'static [u64],
    /// Whether those who don't know it must refuse the certificate.
    pub critical: bool,
    /// Its value in DER, without the octet string around it.
    pub value: Vec<u8>,
}

impl Certificate {
    /// The extension with this object identifier.
    pub fn extension(&mut self, oid: &[u64]) -> Option<&mut CertificateExtension> {
        self.extensions.iter_mut().find(|extension| extension.oid == oid)
    }

    /// Adds an extension, in the place of one with the same object identifier.
    pub fn set_extension(&mut self, oid: &'static [u64], critical: bool, value: Vec<u8>) {
        let new = CertificateExtension { oid, critical, value };
        match self.extension(oid) {
            Some(place) => *place = new,
            None => self.extensions.push(new),
        }
    }

    /// Removes the extension with this object identifier, if there is one.
    pub fn remove_extension(&mut self, oid: &[u64]) {
        self.extensions.retain(|extension| extension.oid != oid);
    }

    /// Puts the extension for the AAGUID to these bytes (WebAuthn L3 §8.2.1).
    pub fn set_aaguid(&mut self, aaguid: &[u8]) {
        self.set_extension(oid::AAGUID, false, der::element(der::OCTET_STRING, &[aaguid]));
    }

    /// The certificate in DER, signed with a key on P-256.
    ///
    /// # Errors
    /// [`Error`] where the key can't sign.
    pub fn sign(&self, issuer: &dyn SigningKey) -> Result<Vec<u8>, Error> {
        let algorithm = der::element(der::SEQUENCE, &[&der::oid(oid::ECDSA_WITH_SHA256)]);
        let version = match self.version.saturating_sub(1) {
            0 => Vec::new(),
            version => der::explicit(0, &[&der::number(version)]),
        };
        let validity = [time(&self.not_before), time(&self.not_after)].concat();
        let extensions: Vec<u8> = self.extensions.iter().flat_map(extension).collect();
        let extensions = if extensions.is_empty() {
            extensions
        } else {
            der::explicit(3, &[&der::element(der::SEQUENCE, &[&extensions])])
        };
        let signed = der::element(
            der::SEQUENCE,
            &[
                &version,
                &der::unsigned(&self.serial_number),
                &algorithm,
                &name(&self.issuer),
                &der::element(der::SEQUENCE, &[&validity]),
                &name(&self.subject),
                &self.public_key,
                &extensions,
            ],
        );
        let signature = der::bits(&issuer.sign(&[&signed])?);
        Ok(der::element(der::SEQUENCE, &[&signed, &algorithm, &signature]))
    }
}

/// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of a key on P-256, P-384 or Ed25519, or of RSA; `None`
/// for others.
#[must_use]
pub fn subject_public_key_info(key: &CosePublicKey) -> Option<Vec<u8>> {
    let curve = |curve| [der::oid(oid::EC_PUBLIC_KEY), der::oid(curve)].concat();
    let algorithm = match key {
        CosePublicKey::P256 { .. } => curve(oid::P256),
        CosePublicKey::Ec2 { curve: COSE_P384, .. } => curve(oid::P384),
        CosePublicKey::Okp { curve: COSE_ED25519, .. } => der::oid(oid::ED25519),
        CosePublicKey::Rsa { .. } => [der::oid(oid::RSA), der::null()].concat(),
        _ => return None,
    };
    let algorithm = der::element(der::SEQUENCE, &[&algorithm]);
    Some(der::element(der::SEQUENCE, &[&algorithm, &der::bits(&key.to_plain()?)]))
}

/// A name in DER, each attribute in a set of its own.
pub(super) fn name(name: &Name) -> Vec<u8> {
    let attributes = name.iter().flat_map(|(oid, text)| {
        let tag = if *oid == oid::COUNTRY { der::PRINTABLE_STRING } else { der::UTF8_STRING };
        let text = der::element(tag, &[text.as_bytes()]);
        der::element(der::SET, &[&der::element(der::SEQUENCE, &[&der::oid(oid), &text])])
    });
    der::element(der::SEQUENCE, &[&attributes.collect::<Vec<u8>>()])
}

fn extension(extension: &CertificateExtension) -> Vec<u8> {
    let critical = if extension.critical { &[der::BOOLEAN, 1, 0xff][..] } else { &[] };
    let value = der::element(der::OCTET_STRING, &[&extension.value]);
    der::element(der::SEQUENCE, &[&der::oid(extension.oid), critical, &value])
}

/// Years before 2050 in two digits (RFC 5280 §4.1.2.5).
fn time(text: &str) -> Vec<u8> {
    match text.split_at_checked(2) {
        Some(("20", rest)) if rest < "50" => der::element(der::UTC_TIME, &[rest.as_bytes()]),
        _ => der::element(der::GENERALIZED_TIME, &[text.as_bytes()]),
    }
}
