//! The verification procedures of the formats (§8).

use towline_cbor::{Key, Reader, decode};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    AttestedCredentialData, ClientDataHash, FidoU2fAttestation, MESSAGE_DEPTH, Malformed, RpIdHash,
    algorithm,
};

use super::{
    TrustAnchors, android, safetynet, tpm,
    x509::{self, Certificate},
};

/// The AAGUID in certificates of authenticators (`id-fido-gen-ce-aaguid`).
const AAGUID: &str = "1.3.6.1.4.1.45724.1.1.4";
/// The description of a key in Android's certificates.
const KEY_DESCRIPTION: &str = "1.3.6.1.4.1.11129.2.1.17";
/// The nonce in Apple's certificates.
const APPLE_NONCE: &str = "1.2.840.113635.100.8.2";
/// Country, organization, unit, name (§8.2.1).
const PACKED_SUBJECT: [&str; 4] = ["2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"];

const MISSING: Flaw = Flaw::Wrong("a member is missing");
const UNREADABLE: Flaw = Flaw::Wrong("it can't be read");

/// Why a statement is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It can't be judged here.
    Unsupported,
    /// Step 22: it is wrong.
    Wrong(&'static str),
    /// Step 24: it leads nowhere.
    Untrusted(&'static str),
}

pub(crate) type Verdict = Result<(), Flaw>;

/// What a good statement stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Basis {
    /// The credential's own key: anybody can make such a statement.
    Itself,
    /// Certificates that lead to a root.
    Root,
}

pub(super) fn ensure(holds: bool, reason: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(Flaw::Wrong(reason)) }
}

/// What a statement is about, and who is trusted.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) auth_data: &'a [u8],
    /// Of the client data.
    pub(crate) hash: &'a [u8; 32],
    pub(crate) rp_id_hash: &'a RpIdHash,
    pub(crate) attested: &'a AttestedCredentialData,
    pub(crate) anchors: &'a TrustAnchors,
    pub(crate) provider: &'a CryptoProvider,
}

/// The members of a statement, whatever its format.
#[derive(Default)]
pub(super) struct Statement<'a> {
    pub(super) alg: Option<i64>,
    pub(super) sig: Option<&'a [u8]>,
    /// `None` is another thing than an empty array: self attestation has no such member.
    pub(super) x5c: Option<Vec<&'a [u8]>>,
    pub(super) ver: Option<&'a str>,
    pub(super) response: Option<&'a [u8]>,
    pub(super) cert_info: Option<&'a [u8]>,
    pub(super) pub_area: Option<&'a [u8]>,
}

impl<'a> Statement<'a> {
    fn decode(statement: &'a [u8]) -> Result<Self, Flaw> {
        decode(statement, MESSAGE_DEPTH, Self::read).map_err(|_: Malformed| UNREADABLE)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut read = Self::default();
        reader.map(|key, value| {
            match key {
                Key::Text("alg") => read.alg = Some(value.int()?),
                Key::Text("sig") => read.sig = Some(value.bytes()?),
                Key::Text("ver") => read.ver = Some(value.text()?),
                Key::Text("response") => read.response = Some(value.bytes()?),
                Key::Text("certInfo") => read.cert_info = Some(value.bytes()?),
                Key::Text("pubArea") => read.pub_area = Some(value.bytes()?),
                Key::Text("x5c") => {
                    let mut x5c = Vec::new();
                    value.array(|item| {
                        x5c.push(item.bytes()?);
                        Ok::<(), Malformed>(())
                    })?;
                    read.x5c = Some(x5c);
                }
                _ => {}
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(read)
    }

    pub(super) fn x5c(&self) -> Result<&[&'a [u8]], Flaw> {
        self.x5c.as_deref().ok_or(MISSING)
    }
}

impl<'a> About<'a> {
    /// Judges a statement of any format but `none`: whether its certificates lead to a root, or it
    /// has none, as self attestation.
    pub(crate) fn judge(&self, format: &str, statement: &[u8]) -> Result<Basis, Flaw> {
        if format == "compound" {
            return self.compound(statement);
        }
        let it = Statement::decode(statement)?;
        if format == "packed" && it.x5c.is_none() {
            return self.packed_self(&it).map(|()| Basis::Itself);
        }
        self.by_certificates(format, &it).map(|()| Basis::Root)
    }

    fn by_certificates(&self, format: &str, it: &Statement<'_>) -> Verdict {
        match format {
            "packed" => self.packed(it),
            "fido-u2f" => self.fido_u2f(it),
            "tpm" => tpm::check(self, it),
            "android-key" => self.android_key(it),
            "android-safetynet" => safetynet::check(self, it),
            "apple" => self.apple(it),
            _ => Err(Flaw::Unsupported),
        }
    }

    /// At least two statements, none of them compound, each of which is good (§8.9). One that leads
    /// to a root vouches for the key, whatever stands beside it.
    fn compound(&self, statement: &[u8]) -> Result<Basis, Flaw> {
        let mut parts = Vec::new();
        let read = decode(statement, MESSAGE_DEPTH, |reader| {
            reader.array(|part| {
                let (mut format, mut inner) = (None, None);
                part.map(|key, value| {
                    match key {
                        Key::Text("fmt") => format = Some(value.text()?),
                        Key::Text("attStmt") => inner = Some(value.raw()?),
                        _ => {}
                    }
                    Ok::<(), Malformed>(())
                })?;
                parts.push((
                    format.ok_or(Malformed::Missing("fmt"))?,
                    inner.ok_or(Malformed::Missing("attStmt"))?,
                ));
                Ok::<(), Malformed>(())
            })
        });
        read.map_err(|_| UNREADABLE)?;
        ensure(parts.len() >= 2, "it has less than two parts")?;
        parts.iter().try_fold(Basis::Itself, |all, (format, part)| match *format {
            "compound" => Err(Flaw::Wrong("it has parts in its parts")),
            format => self.judge(format, part).map(|basis| all.max(basis)),
        })
    }

    fn message(&self) -> Vec<u8> {
        [self.auth_data, self.hash].concat()
    }

    fn packed_self(&self, it: &Statement<'_>) -> Verdict {
        let key = &self.attested.public_key;
        let alg = it.alg.ok_or(MISSING)?;
        ensure(key.algorithm() == Some(alg), "it names another algorithm")?;
        let algorithm = self.provider.signature(alg).ok_or(Flaw::Unsupported)?;
        let plain = key.to_plain().ok_or(Flaw::Unsupported)?;
        let holds = algorithm.verify(&plain, &self.message(), it.sig.ok_or(MISSING)?);
        ensure(holds.is_ok(), "its signature does not match")
    }

    /// §8.2, that of enterprises included.
    fn packed(&self, it: &Statement<'_>) -> Verdict {
        let chain = self.chain(it.x5c()?)?;
        let leaf = chain.first().ok_or(MISSING)?;
        let (alg, sig) = (it.alg.ok_or(MISSING)?, it.sig.ok_or(MISSING)?);
        leaf.check_signature(alg, &self.message(), sig, self.provider)?;
        leaf.check_end_entity()?;
        let subject = leaf.it.subject();
        let names: Vec<String> =
            subject.iter_attributes().map(|it| it.attr_type().to_id_string()).collect();
        let units = subject.iter_organizational_unit().next();
        let unit = units.is_some_and(|it| it.as_str() == Ok("Authenticator Attestation"));
        let all = PACKED_SUBJECT.iter().all(|name| names.iter().any(|it| it == name));
        ensure(all && unit, "the certificate's subject is not as it must be")?;
        self.check_aaguid(leaf)?;
        self.check_chain(&chain)
    }

    /// §8.6.
    fn fido_u2f(&self, it: &Statement<'_>) -> Verdict {
        let chain = self.chain(it.x5c()?)?;
        let [leaf] = &chain[..] else { return Err(Flaw::Wrong("it has not one certificate")) };
        let message = FidoU2fAttestation::signed_message(
            self.rp_id_hash,
            &ClientDataHash::new(*self.hash),
            &self.attested.credential_id,
            &self.attested.public_key,
        );
        let message = message.ok_or(Flaw::Wrong("the key is not on P-256"))?;
        let sig = it.sig.ok_or(MISSING)?;
        leaf.check_signature(algorithm::ES256, &message, sig, self.provider)?;
        self.check_chain(&chain)
    }

    /// §8.4.
    fn android_key(&self, it: &Statement<'_>) -> Verdict {
        let chain = self.chain(it.x5c()?)?;
        let leaf = chain.first().ok_or(MISSING)?;
        let (alg, sig) = (it.alg.ok_or(MISSING)?, it.sig.ok_or(MISSING)?);
        leaf.check_signature(alg, &self.message(), sig, self.provider)?;
        self.check_key(leaf)?;
        let description = leaf.extension(KEY_DESCRIPTION);
        android::check(description.ok_or(MISSING)?.1, self.hash)?;
        self.check_chain(&chain)
    }

    /// §8.8.
    fn apple(&self, it: &Statement<'_>) -> Verdict {
        let chain = self.chain(it.x5c()?)?;
        let leaf = chain.first().ok_or(MISSING)?;
        let nonce = self.provider.sha256.hash(&[self.auth_data, self.hash]);
        // A sequence, in it [1], in it an octet string.
        let expected = [&[0x30, 0x24, 0xa1, 0x22, 0x04, 0x20][..], &nonce].concat();
        let found = leaf.extension(APPLE_NONCE);
        let same = found.is_some_and(|(_, value)| value == expected);
        ensure(same, "its certificate is for another registration")?;
        self.check_key(leaf)?;
        self.check_chain(&chain)
    }

    /// The key of the certificate is that of the credential.
    fn check_key(&self, leaf: &Certificate<'_>) -> Verdict {
        let same = self.attested.public_key.to_plain().as_deref() == Some(leaf.key());
        ensure(same, "its certificate is of another key")
    }

    /// A certificate that names a model names this one.
    pub(super) fn check_aaguid(&self, leaf: &Certificate<'_>) -> Verdict {
        let Some((critical, found)) = leaf.extension(AAGUID) else { return Ok(()) };
        let expected = [&[4, 16], &self.attested.aaguid.as_bytes()[..]].concat();
        ensure(!critical && found == expected, "its certificate is of another model")
    }

    pub(super) fn chain<'c>(&self, x5c: &[&'c [u8]]) -> Result<Vec<Certificate<'c>>, Flaw> {
        x5c.iter().map(|der| Certificate::parse(der)).collect()
    }

    pub(super) fn check_chain(&self, chain: &[Certificate<'_>]) -> Verdict {
        x509::check_chain(chain, self.anchors, self.provider)
    }
}
