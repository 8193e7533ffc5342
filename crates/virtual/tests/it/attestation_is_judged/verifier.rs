//! A verifier of our own, by the procedures of WebAuthn L3 §8, for what others don't know: it says
//! which check fails first.

use ciborium::Value;
use towline_ctap::{
    AuthenticatorData, CosePublicKey, FidoU2fAttestation, RpIdHash, u2f::U2fRegistration,
};
use towline_virtual::{
    VirtualAuthenticator,
    crypto::{Sha256, rustcrypto},
};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

use super::{
    android::{self, elements},
    safetynet, tpm,
};
use crate::options::{ORIGIN, bytes, create_with};

/// Which check has failed.
pub(super) type Verdict = Result<(), &'static str>;

/// In the summer of 2026.
const NOW: i64 = 1_780_000_000;
const AAGUID: &str = "1.3.6.1.4.1.45724.1.1.4";

/// What a statement is about.
pub(super) struct About {
    pub(super) auth_data: Vec<u8>,
    pub(super) hash: [u8; 32],
    pub(super) data: AuthenticatorData,
    root: Vec<u8>,
}

/// What a site gets.
pub(super) struct Registration {
    /// The whole response, as JSON.
    pub(super) json: String,
    pub(super) fmt: String,
    pub(super) statement: Value,
    auth_data: Vec<u8>,
    hash: [u8; 32],
}

impl Registration {
    /// Registers at once with this device.
    pub(super) fn of(device: &VirtualAuthenticator) -> Self {
        Self::with(device, -7).unwrap()
    }

    /// Registers a credential of this algorithm; the name of the exception where there is none.
    pub(super) fn with(device: &VirtualAuthenticator, alg: i64) -> Result<Self, String> {
        let options = create_with("alice", r#", "attestation": "direct""#);
        let options = options.replace("-7", &alg.to_string());
        let json = device.create(ORIGIN, &options).map_err(|error| error.name().to_owned())?;
        Ok(Self::read(json))
    }

    fn read(json: String) -> Self {
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        let part = |name: &str| bytes(read["response"][name].as_str().unwrap());
        let object: Value = ciborium::from_reader(&part("attestationObject")[..]).unwrap();
        Self {
            fmt: member(&object, "fmt").unwrap().as_text().unwrap().to_owned(),
            statement: member(&object, "attStmt").unwrap().clone(),
            auth_data: member(&object, "authData").unwrap().as_bytes().unwrap().clone(),
            hash: sha256().hash(&[&part("clientDataJSON")]),
            json,
        }
    }

    /// Judges it by this root.
    pub(super) fn verify(&self, root: &[u8]) -> Verdict {
        let about = About {
            auth_data: self.auth_data.clone(),
            hash: self.hash,
            data: AuthenticatorData::decode(&self.auth_data).unwrap(),
            root: root.to_vec(),
        };
        about.verify(&self.fmt, &self.statement)
    }
}

impl About {
    fn verify(&self, fmt: &str, statement: &Value) -> Verdict {
        let x5c = || certificates(statement).ok_or("x5c");
        match fmt {
            "none" => ensure(statement.as_map().is_some_and(Vec::is_empty), "statement"),
            "packed" if member(statement, "x5c").is_none() => self.packed_self(statement),
            "packed" => self.packed(statement, &x5c()?),
            "fido-u2f" => self.fido_u2f(statement, &x5c()?),
            "tpm" => tpm::verify(self, statement, &x5c()?),
            "android-key" => self.android_key(statement, &x5c()?),
            "android-safetynet" => safetynet::verify(self, statement),
            "apple" => self.apple(&x5c()?),
            "compound" => {
                let parts = statement.as_array().filter(|all| all.len() > 1).ok_or("statement")?;
                parts.iter().try_for_each(|part| {
                    let fmt = member(part, "fmt").and_then(Value::as_text).ok_or("fmt")?;
                    self.verify(fmt, member(part, "attStmt").ok_or("attStmt")?)
                })
            }
            _ => Err("fmt"),
        }
    }

    pub(super) fn key(&self) -> &CosePublicKey {
        &self.data.attested.as_ref().unwrap().public_key
    }

    pub(super) fn message(&self) -> Vec<u8> {
        [&self.auth_data[..], &self.hash].concat()
    }

    fn packed_self(&self, statement: &Value) -> Verdict {
        let alg = member(statement, "alg").and_then(Value::as_integer).ok_or("alg")?;
        let key = self.key();
        let expected = key.algorithm().unwrap();
        ensure(i128::from(alg) == i128::from(expected), "alg")?;
        let algorithm = rustcrypto::provider().signature(expected).unwrap();
        let sig = member(statement, "sig").and_then(Value::as_bytes).ok_or("sig")?;
        let verdict = algorithm.verify(&key.to_plain().unwrap(), &self.message(), sig);
        verdict.map_err(|_| "signature")
    }

    fn packed(&self, statement: &Value, x5c: &[Vec<u8>]) -> Verdict {
        let leaf = parse(&x5c[0])?;
        verify_signature(&leaf, statement, &self.message())?;
        let names: Vec<String> =
            leaf.subject().iter_attributes().map(|it| it.attr_type().to_id_string()).collect();
        ensure(leaf.version().0 == 2, "version")?;
        ensure(names == ["2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"], "subject")?;
        let unit = leaf.subject().iter_organizational_unit().next().unwrap();
        ensure(unit.as_str() == Ok("Authenticator Attestation"), "subject")?;
        ensure(!leaf.is_ca() && leaf.basic_constraints().unwrap().is_some(), "basic constraints")?;
        self.check_aaguid(&leaf)?;
        self.check_chain(x5c)
    }

    fn fido_u2f(&self, statement: &Value, x5c: &[Vec<u8>]) -> Verdict {
        ensure(x5c.len() == 1, "x5c")?;
        let attested = self.data.attested.as_ref().unwrap();
        ensure(attested.aaguid.as_bytes() == &[0; 16], "aaguid")?;
        let message = FidoU2fAttestation::signed_message(
            &self.data.rp_id_hash,
            &towline_ctap::ClientDataHash::new(self.hash),
            &attested.credential_id,
            self.key(),
        );
        verify_signature(&parse(&x5c[0])?, statement, &message.unwrap())?;
        self.check_chain(x5c)
    }

    fn android_key(&self, statement: &Value, x5c: &[Vec<u8>]) -> Verdict {
        let leaf = parse(&x5c[0])?;
        let sig = member(statement, "sig").and_then(Value::as_bytes).ok_or("sig")?;
        let alg = member(statement, "alg").and_then(Value::as_integer).ok_or("alg")?;
        let alg = i64::try_from(alg).unwrap();
        ensure(holds(&leaf, alg, &self.message(), sig), "signature")?;
        self.check_credential_key(&leaf)?;
        let description = extension(&leaf, "1.3.6.1.4.1.11129.2.1.17").ok_or("description")?;
        android::verify(description.1, &self.hash)?;
        self.check_chain(x5c)
    }

    fn apple(&self, x5c: &[Vec<u8>]) -> Verdict {
        let leaf = parse(&x5c[0])?;
        let nonce = sha256().hash(&[&self.auth_data, &self.hash]);
        // A sequence, in it [1], in it an octet string.
        let expected = [&[0x30, 0x24, 0xa1, 0x22, 0x04, 0x20][..], &nonce].concat();
        let found = extension(&leaf, "1.2.840.113635.100.8.2");
        ensure(found.is_some_and(|(_, value)| value == expected), "nonce")?;
        self.check_credential_key(&leaf)?;
        self.check_chain(x5c)
    }

    fn check_credential_key(&self, leaf: &X509Certificate<'_>) -> Verdict {
        let same = leaf.public_key().subject_public_key.data[..] == self.key().to_plain().unwrap();
        ensure(same, "credential key")
    }

    pub(super) fn check_aaguid(&self, leaf: &X509Certificate<'_>) -> Verdict {
        let expected = self.data.attested.as_ref().unwrap().aaguid;
        let expected = [&[4, 16], &expected.as_bytes()[..]].concat();
        ensure(extension(leaf, AAGUID) == Some((false, &expected)), "aaguid")
    }

    pub(super) fn check_chain(&self, x5c: &[Vec<u8>]) -> Verdict {
        check_chain(x5c, &self.root)
    }
}

/// Judges what U2F registers for this application and challenge.
pub(super) fn verify_u2f(made: &U2fRegistration, of: &[u8; 32], root: &[u8]) -> Verdict {
    let application = RpIdHash::new(*of);
    let message =
        U2fRegistration::signed_message(&application, of, &made.key_handle, &made.public_key);
    ensure(holds(&parse(&made.certificate)?, -7, &message, &made.signature), "signature")?;
    check_chain(std::slice::from_ref(&made.certificate), root)
}

/// Each certificate is signed by the next, and the last by the root.
fn check_chain(x5c: &[Vec<u8>], root: &[u8]) -> Verdict {
    let all: Vec<_> = x5c.iter().map(|der| parse(der)).collect::<Result<_, _>>()?;
    let root = parse(root)?;
    let now = ASN1Time::from_timestamp(NOW).unwrap();
    ensure(all.iter().all(|it| it.validity().is_valid_at(now)), "expired")?;
    for pair in all.windows(2) {
        ensure(is_signed(&pair[0], &pair[1]), "order")?;
    }
    ensure(is_signed(all.last().unwrap(), &root), "root")?;
    ensure(is_signed(&root, &root), "root")
}

fn is_signed(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let signed = certificate.tbs_certificate.as_ref();
    let key_usage = issuer.key_usage().unwrap();
    issuer.subject() == certificate.issuer()
        && issuer.is_ca()
        && key_usage.is_some_and(|usage| usage.value.key_cert_sign())
        && holds(issuer, -7, signed, &certificate.signature_value.data)
}

/// Whether this is a signature of the certificate's key.
fn holds(signer: &X509Certificate<'_>, alg: i64, message: &[u8], signature: &[u8]) -> bool {
    let algorithm = rustcrypto::provider().signature(alg).unwrap();
    algorithm.verify(&signer.public_key().subject_public_key.data, message, signature).is_ok()
}

pub(super) fn verify_signature(
    leaf: &X509Certificate<'_>,
    statement: &Value,
    message: &[u8],
) -> Verdict {
    let sig = member(statement, "sig").and_then(Value::as_bytes).ok_or("sig")?;
    ensure(holds(leaf, -7, message, sig), "signature")
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, &'static str> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| "certificate")?;
    ensure(rest.is_empty(), "certificate").map(|()| certificate)
}

/// Whether it is critical, and its value.
pub(super) fn extension<'a>(
    certificate: &'a X509Certificate<'_>,
    oid: &str,
) -> Option<(bool, &'a [u8])> {
    let found = certificate.extensions().iter().find(|it| it.oid.to_id_string() == oid)?;
    // It is one element of DER.
    elements(found.value)?;
    Some((found.critical, found.value))
}

fn certificates(statement: &Value) -> Option<Vec<Vec<u8>>> {
    let x5c = member(statement, "x5c")?.as_array()?;
    x5c.iter()
        .map(|it| it.as_bytes().cloned())
        .collect::<Option<Vec<_>>>()
        .filter(|x| !x.is_empty())
}

pub(super) fn member<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

pub(super) fn ensure(holds: bool, what: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(what) }
}

pub(super) fn sha256() -> &'static dyn Sha256 {
    rustcrypto::provider().sha256
}
