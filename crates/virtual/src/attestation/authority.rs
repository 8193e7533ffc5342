//! Who vouches: a root, an authority below it, and keys, all from one seed.

use towline_authenticator::KeyHandle;
use towline_crypto::{
    CryptoProvider, Error, SignatureAlgorithm, SigningKey, rustcrypto, zeroize::Zeroizing,
};
use towline_ctap::{CosePublicKey, algorithm};

use super::{
    Certificate, Flaw, Format, Name, Part, TestAttestation, certificate::subject_public_key_info,
    der, oid,
};
use crate::TEST_AAGUID;

/// The AAGUID of somebody else's model.
const ANOTHER_AAGUID: &[u8; 16] = b"another-test-key";

const FROM: &str = "20200101000000Z";
const UNTIL: &str = "20991231235959Z";
const EXPIRED: &str = "20201231235959Z";

/// The holder of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// The root that verifiers are given.
    Root,
    /// A root that nobody is given.
    Stranger,
    /// Between the root and what is vouched for.
    Intermediate,
    /// Whoever signs statements.
    Attester,
    /// Somebody who has nothing to do with it.
    Other,
}

impl Holder {
    const fn name(self) -> &'static str {
        match self {
            Self::Root => "towline test attestation root",
            Self::Stranger => "towline test root that nobody knows",
            Self::Intermediate => "towline test attestation CA",
            Self::Attester => "towline test authenticator",
            Self::Other => "towline test outsider",
        }
    }
}

/// All keys and certificates of one seed.
pub(super) struct Authority {
    seed: u64,
    provider: CryptoProvider,
    es256: &'static dyn SignatureAlgorithm,
}

impl Authority {
    pub(super) fn new(seed: u64) -> Result<Self, Error> {
        let provider = rustcrypto::provider();
        let es256 = provider.signature(algorithm::ES256).ok_or(Error::KeyUnavailable)?;
        Ok(Self { seed, provider, es256 })
    }

    /// 32 bytes that follow from the seed, the highest bit clear, so that they are a scalar of
    /// P-256.
    pub(super) fn bytes(&self, label: &str) -> [u8; 32] {
        let mut bytes = self.provider.sha256.hash(&[&self.seed.to_be_bytes(), label.as_bytes()]);
        bytes[0] &= 0x7f;
        bytes
    }

    pub(super) fn key(&self, holder: Holder) -> Result<Box<dyn SigningKey>, Error> {
        self.es256.load(&self.bytes(holder.name()))
    }

    pub(super) fn handle(&self, holder: Holder) -> KeyHandle {
        let scalar = Box::<[u8]>::from(self.bytes(holder.name()));
        KeyHandle::new(algorithm::ES256, Zeroizing::new(scalar))
    }

    pub(super) fn public_key(&self, holder: Holder) -> Result<CosePublicKey, Error> {
        let key = self.key(holder)?;
        CosePublicKey::from_plain(algorithm::ES256, key.public_key()).ok_or(Error::InvalidPublicKey)
    }

    /// The certificate of a root, in DER.
    pub(super) fn root(&self, holder: Holder) -> Result<Vec<u8>, Error> {
        self.issuer(holder, holder)?.sign(&*self.key(holder)?)
    }

    /// The certificate of an issuer.
    pub(super) fn issuer(&self, subject: Holder, issuer: Holder) -> Result<Certificate, Error> {
        let mut certificate = self.certificate(&self.public_key(subject)?, issuer)?;
        certificate.subject = self.distinguished(subject);
        certificate.serial_number = self.serial_number(subject.name());
        let is_ca = der::element(der::SEQUENCE, &[&[der::BOOLEAN, 1, 0xff]]);
        certificate.set_extension(oid::BASIC_CONSTRAINTS, true, is_ca);
        // keyCertSign and cRLSign.
        certificate.set_extension(oid::KEY_USAGE, true, vec![der::BIT_STRING, 2, 1, 0x06]);
        Ok(certificate)
    }

    /// A certificate for this key that may sign, without a name.
    pub(super) fn certificate(
        &self,
        key: &CosePublicKey,
        issuer: Holder,
    ) -> Result<Certificate, Error> {
        let mut certificate = Certificate {
            version: 3,
            serial_number: self.serial_number("leaf"),
            issuer: self.distinguished(issuer),
            not_before: FROM.to_owned(),
            not_after: UNTIL.to_owned(),
            subject: Name::new(),
            public_key: subject_public_key_info(key).ok_or(Error::InvalidPublicKey)?,
            extensions: Vec::new(),
        };
        // digitalSignature.
        certificate.set_extension(oid::KEY_USAGE, true, vec![der::BIT_STRING, 2, 7, 0x80]);
        Ok(certificate)
    }

    fn distinguished(&self, holder: Holder) -> Name {
        let name = format!("{} {}", holder.name(), self.seed);
        vec![(oid::ORGANIZATION, "towline".to_owned()), (oid::COMMON_NAME, name)]
    }

    fn serial_number(&self, label: &str) -> Vec<u8> {
        self.bytes(&format!("serial number of {label}")).iter().copied().take(16).collect()
    }
}

impl TestAttestation {
    /// The certificates of `x5c` from an unsigned first one, with the flaws and bends that they
    /// are to have.
    pub(super) fn chain(
        &self,
        authority: &Authority,
        mut leaf: Certificate,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let root = if self.has(Flaw::UntrustedRoot) { Holder::Stranger } else { Holder::Root };
        let alone = self.format == Format::FidoU2f;
        let issuer = if alone { root } else { Holder::Intermediate };
        leaf.issuer = authority.distinguished(issuer);
        if self.has(Flaw::Expired) {
            EXPIRED.clone_into(&mut leaf.not_after);
        }
        if self.has(Flaw::WrongAaguid) {
            leaf.set_aaguid(ANOTHER_AAGUID);
        }
        let leaf = self.bent(leaf, |it| Part::Leaf(it)).sign(&*authority.key(issuer)?)?;
        let above = authority.issuer(issuer, root)?;
        let above = if alone { above } else { self.bent(above, |it| Part::Intermediate(it)) };
        let above = above.sign(&*authority.key(root)?)?;
        let unordered = self.has(Flaw::UnorderedChain);
        let mut chain = if alone && !unordered { vec![leaf] } else { vec![leaf, above] };
        if self.format == Format::AndroidKey {
            // Android sends its root along, and some verifiers want it there.
            chain.push(authority.root(root)?);
        }
        if unordered {
            chain.reverse();
        }
        Ok(chain)
    }

    /// The certificate of a key that is one model's, or one device's, before it is signed.
    pub(super) fn model_certificate(&self, authority: &Authority) -> Result<Certificate, Error> {
        let key = authority.public_key(Holder::Attester)?;
        let mut leaf = authority.certificate(&key, Holder::Intermediate)?;
        leaf.subject = vec![
            (oid::COUNTRY, "US".to_owned()),
            (oid::ORGANIZATION, "towline".to_owned()),
            (oid::ORGANIZATIONAL_UNIT, "Authenticator Attestation".to_owned()),
            (oid::COMMON_NAME, Holder::Attester.name().to_owned()),
        ];
        leaf.set_extension(oid::BASIC_CONSTRAINTS, true, der::element(der::SEQUENCE, &[]));
        if self.format != Format::FidoU2f {
            leaf.set_aaguid(TEST_AAGUID.as_bytes());
        }
        if self.format == Format::Enterprise {
            let serial = authority.bytes("device");
            let serial = der::element(der::OCTET_STRING, &[serial.split_at(8).0]);
            leaf.set_extension(oid::SERIAL_NUMBER, false, serial);
        }
        Ok(leaf)
    }

    /// The key that signs in the name of one model or device, and its certificates.
    pub(super) fn model_key(&self) -> Result<(KeyHandle, Vec<Vec<u8>>), Error> {
        let authority = Authority::new(self.seed)?;
        let chain = self.chain(&authority, self.model_certificate(&authority)?)?;
        Ok((authority.handle(self.signer()), chain))
    }

    /// The holder of the key that statements are signed with, right or wrong.
    pub(super) fn signer(&self) -> Holder {
        if self.has(Flaw::WrongKey) { Holder::Other } else { Holder::Attester }
    }
}
