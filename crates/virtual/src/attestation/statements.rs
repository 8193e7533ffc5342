//! The statements themselves, format by format (WebAuthn L3 §8).

use towline_authenticator::KeyError;
use towline_crypto::SigningKey;
use towline_ctap::{AuthenticatorData, CosePublicKey, FidoU2fAttestation, algorithm};

use super::{
    CertInfo, Certificate, Flaw, Format, Item, KeyDescription, Part, PubArea, SafetyNet,
    TestAttestation,
    authority::{Authority, Holder},
    certificate, der, oid, rs256, safetynet,
};
use crate::{Subject, TEST_AAGUID};

/// A statement in the making.
pub(super) struct Statement<'a> {
    test: &'a TestAttestation,
    subject: &'a Subject<'a>,
    authority: Authority,
}

impl<'a> Statement<'a> {
    /// The statement (`attStmt`) of one kind about a new key.
    pub(super) fn of(
        test: &'a TestAttestation,
        subject: &'a Subject<'a>,
    ) -> Result<Item, KeyError> {
        let authority = Authority::new(test.seed).map_err(failed)?;
        let statement = Self { test, subject, authority };
        let item = match test.format {
            Format::None => Item::map([]),
            Format::PackedSelf => statement.packed_self()?,
            Format::Packed | Format::Enterprise => statement.packed()?,
            Format::FidoU2f => statement.fido_u2f()?,
            Format::Tpm => statement.tpm()?,
            Format::AndroidKey => statement.android_key()?,
            Format::AndroidSafetyNet => statement.android_safetynet()?,
            Format::Apple => statement.apple()?,
            Format::Compound => statement.compound()?,
        };
        Ok(test.bent(item, |it| Part::Statement(it)))
    }

    fn packed_self(&self) -> Result<Item, KeyError> {
        let sig = match self.test.has(Flaw::WrongKey) {
            true => self.sign(Holder::Other, self.message())?,
            false => self.signed(&*self.credential_key()?, self.message())?,
        };
        let alg = Item::Int(self.subject.key.algorithm());
        Ok(Item::map([("alg", alg), ("sig", sig)]))
    }

    fn packed(&self) -> Result<Item, KeyError> {
        let leaf = self.test.model_certificate(&self.authority).map_err(failed)?;
        let x5c = self.chain(leaf)?;
        let sig = self.sign(self.test.signer(), self.message())?;
        Ok(Item::map([("alg", Item::Int(algorithm::ES256)), ("sig", sig), ("x5c", x5c)]))
    }

    fn fido_u2f(&self) -> Result<Item, KeyError> {
        let Subject { auth_data, client_data_hash, public_key, .. } = self.subject;
        let data = AuthenticatorData::decode(auth_data).map_err(failed)?;
        let attested = data.attested.ok_or(KeyError::InvalidKey)?;
        let message = FidoU2fAttestation::signed_message(
            &data.rp_id_hash,
            client_data_hash,
            &attested.credential_id,
            public_key,
        );
        let message = message.ok_or_else(|| unfit("fido-u2f"))?;
        let leaf = self.test.model_certificate(&self.authority).map_err(failed)?;
        let x5c = self.chain(leaf)?;
        let sig = self.sign(self.test.signer(), message)?;
        Ok(Item::map([("sig", sig), ("x5c", x5c)]))
    }

    fn tpm(&self) -> Result<Item, KeyError> {
        let pub_area = PubArea::new(&self.subject.public_key).ok_or_else(|| unfit("tpm"))?;
        let pub_area = self.test.bent(pub_area, |it| Part::PubArea(it)).encode();
        let about = CertInfo::new(&pub_area, &self.parts(), self.subject.provider.sha256);
        let about = self.test.bent(about, |it| Part::CertInfo(it)).encode();

        let key = self.authority.public_key(Holder::Attester).map_err(failed)?;
        let mut leaf = self.certificate(&key)?;
        let usage = der::element(der::SEQUENCE, &[&der::oid(oid::TPM_ATTESTATION_KEY)]);
        leaf.set_extension(
            oid::SUBJECT_ALT_NAME,
            true,
            tpm_name("id:49424D00".to_owned(), "id:00010000".to_owned()),
        );
        leaf.set_extension(oid::EXTENDED_KEY_USAGE, true, usage);
        leaf.set_extension(oid::BASIC_CONSTRAINTS, true, der::element(der::SEQUENCE, &[]));
        leaf.set_aaguid(TEST_AAGUID.as_bytes());
        let x5c = self.chain(leaf)?;
        let sig = self.sign(self.test.signer(), about.clone())?;
        Ok(Item::map([
            ("alg", Item::Int(algorithm::ES256)),
            ("sig", sig),
            ("ver", Item::Text("2.0".to_owned())),
            ("x5c", x5c),
            ("pubArea", Item::Bytes(pub_area)),
            ("certInfo", Item::Bytes(about)),
        ]))
    }

    fn android_key(&self) -> Result<Item, KeyError> {
        let Subject { client_data_hash, public_key, .. } = self.subject;
        let description = KeyDescription::new(client_data_hash.as_bytes(), public_key);
        let description = self.test.bent(description, |it| Part::KeyDescription(it));
        let wrong = self.test.has(Flaw::WrongKey);
        let mut leaf = self.credential_certificate(wrong)?;
        leaf.subject = vec![(oid::COMMON_NAME, "Android Keystore Key".to_owned())];
        leaf.set_extension(oid::KEY_DESCRIPTION, false, description.encode());
        let x5c = self.chain(leaf)?;
        let (alg, sig) = if wrong {
            (algorithm::ES256, self.sign(Holder::Other, self.message())?)
        } else {
            let sig = self.signed(&*self.credential_key()?, self.message())?;
            (self.subject.key.algorithm(), sig)
        };
        Ok(Item::map([("alg", Item::Int(alg)), ("sig", sig), ("x5c", x5c)]))
    }

    fn android_safetynet(&self) -> Result<Item, KeyError> {
        let nonce = self.subject.provider.sha256.hash(&self.parts());
        let answer = SafetyNet::new(nonce, self.authority.bytes("app"));
        let answer = self.test.bent(answer, |it| Part::SafetyNet(it));
        let wrong = self.test.has(Flaw::WrongKey);
        let key = if wrong { rs256::other_public_key() } else { rs256::public_key() };
        let mut leaf = self.certificate(&key)?;
        let host = "attest.android.com";
        leaf.subject = vec![(oid::COMMON_NAME, host.to_owned())];
        // [2]: a DNS name.
        let names = der::element(der::SEQUENCE, &[&der::element(0x82, &[host.as_bytes()])]);
        leaf.set_extension(oid::SUBJECT_ALT_NAME, false, names);
        let chain = self.test.chain(&self.authority, leaf).map_err(failed)?;
        let input = answer.signing_input(&chain);
        let input = self.test.bent(input, |it| Part::Signed(it));
        let signature = rs256::sign(&input, self.subject.provider.sha256);
        Ok(Item::map([
            ("ver", Item::Text("towline-test".to_owned())),
            ("response", Item::Bytes(safetynet::signed(&input, &signature))),
        ]))
    }

    fn apple(&self) -> Result<Item, KeyError> {
        let nonce = self.subject.provider.sha256.hash(&self.parts()).to_vec();
        let nonce = self.test.bent(nonce, |it| Part::Nonce(it));
        let mut leaf = self.credential_certificate(self.test.has(Flaw::WrongKey))?;
        leaf.subject = vec![
            (oid::ORGANIZATION, "towline".to_owned()),
            (oid::COMMON_NAME, "towline test anonymous attestation".to_owned()),
        ];
        let nonce = der::explicit(1, &[&der::element(der::OCTET_STRING, &[&nonce])]);
        let nonce = der::element(der::SEQUENCE, &[&nonce]);
        leaf.set_extension(oid::BASIC_CONSTRAINTS, true, der::element(der::SEQUENCE, &[]));
        leaf.set_extension(oid::APPLE_NONCE, false, nonce);
        Ok(Item::map([("x5c", self.chain(leaf)?)]))
    }

    fn compound(&self) -> Result<Item, KeyError> {
        let statements = self.test.parts.iter().map(|part| {
            let fmt = Item::Text(part.format.identifier().to_owned());
            Ok(Item::map([("fmt", fmt), ("attStmt", Self::of(part, self.subject)?)]))
        });
        Ok(Item::Array(statements.collect::<Result<_, KeyError>>()?))
    }

    /// What nearly every statement is about, part by part.
    fn parts(&self) -> [&[u8]; 2] {
        [self.subject.auth_data, self.subject.client_data_hash.as_bytes()]
    }

    fn message(&self) -> Vec<u8> {
        self.parts().concat()
    }

    fn credential_key(&self) -> Result<Box<dyn SigningKey>, KeyError> {
        let Subject { key, provider, .. } = self.subject;
        let algorithm = provider.signature(key.algorithm());
        let algorithm = algorithm.ok_or(KeyError::Unsupported(key.algorithm()))?;
        algorithm.load(key.expose()).map_err(failed)
    }

    /// An empty certificate for the credential's key, or for another one.
    fn credential_certificate(&self, wrong: bool) -> Result<Certificate, KeyError> {
        if wrong {
            return self.certificate(&self.authority.public_key(Holder::Other).map_err(failed)?);
        }
        self.certificate(&self.subject.public_key)
    }

    fn certificate(&self, key: &CosePublicKey) -> Result<Certificate, KeyError> {
        self.authority.certificate(key, Holder::Intermediate).map_err(failed)
    }

    fn chain(&self, leaf: Certificate) -> Result<Item, KeyError> {
        self.test.chain(&self.authority, leaf).map(Item::certificates).map_err(failed)
    }

    fn sign(&self, holder: Holder, message: Vec<u8>) -> Result<Item, KeyError> {
        self.signed(&*self.authority.key(holder).map_err(failed)?, message)
    }

    fn signed(&self, key: &dyn SigningKey, message: Vec<u8>) -> Result<Item, KeyError> {
        let message = self.test.bent(message, |it| Part::Signed(it));
        key.sign(&[&message]).map(Item::Bytes).map_err(failed)
    }
}

/// The subject alternative name of a TPM's attestation key (TCG EK Credential Profile §3.2.9): a
/// directory name with manufacturer, model and version.
pub(super) fn tpm_name(manufacturer: String, version: String) -> Vec<u8> {
    let name = certificate::name(&vec![
        (oid::TPM_MANUFACTURER, manufacturer),
        (oid::TPM_MODEL, "towline test TPM".to_owned()),
        (oid::TPM_VERSION, version),
    ]);
    der::element(der::SEQUENCE, &[&der::explicit(4, &[&name])])
}

fn failed(error: impl std::error::Error) -> KeyError {
    KeyError::Unavailable(error.to_string())
}

/// A format that has no statements about such keys.
fn unfit(format: &str) -> KeyError {
    KeyError::Unavailable(format!("the format `{format}` has no statements about such a key"))
}
