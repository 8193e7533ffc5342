//! A credential in software, with everything about its answers adjustable.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_cbor::Writer;
use towline_crypto::{CryptoProvider, SigningKey};
use towline_ctap::{
    Aaguid, AttestedCredentialData, AuthenticatorData, CosePublicKey, CredentialId, Extensions,
    Flags, RpId,
};

pub(crate) struct SoftKey {
    provider: CryptoProvider,
    signing: Box<dyn SigningKey>,
    pub(crate) id: Vec<u8>,
    pub(crate) user_handle: Option<String>,
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    pub(crate) kind: Option<&'static str>,
    pub(crate) challenge: Option<String>,
    pub(crate) extra_client_data: Value,
    pub(crate) flags: Flags,
    pub(crate) sign_count: u32,
    pub(crate) algorithm: i64,
    pub(crate) attestation: Attestation,
    pub(crate) corrupt_signature: bool,
    /// Another public key than its own.
    pub(crate) public_key: Option<CosePublicKey>,
    /// What it makes of authenticator data before they are signed.
    pub(crate) bend_data: fn(&mut Vec<u8>),
    /// What it makes of signatures.
    pub(crate) bend_signature: fn(&mut Vec<u8>),
    /// `clientExtensionResults`.
    pub(crate) results: Value,
}

pub(crate) enum Attestation {
    None,
    NoneWithMembers,
    PackedSelf { alg: i64 },
    PackedWithCertificates,
    Other,
}

impl SoftKey {
    pub(crate) fn new(origin: &str) -> Self {
        let provider = towline_crypto::rustcrypto::provider();
        let signing = provider.signature(-7).unwrap().generate(&*provider.random).unwrap();
        Self {
            id: provider.random.bytes::<32>().unwrap().to_vec(),
            provider,
            signing,
            user_handle: None,
            origin: origin.into(),
            rp_id: "localhost".into(),
            kind: None,
            challenge: None,
            extra_client_data: json!({}),
            flags: Flags::UP | Flags::UV | Flags::BE | Flags::BS,
            sign_count: 0,
            algorithm: -7,
            attestation: Attestation::None,
            corrupt_signature: false,
            public_key: None,
            bend_data: |_| {},
            bend_signature: |_| {},
            results: json!({}),
        }
    }

    pub(crate) fn id_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": self.kind.unwrap_or(kind),
            "challenge": self.challenge.clone().unwrap_or_else(|| options["challenge"].as_str().unwrap().into()),
            "origin": self.origin,
            "crossOrigin": false,
        });
        for (name, value) in self.extra_client_data.as_object().unwrap() {
            data[name] = value.clone();
        }
        serde_json::to_vec(&data).unwrap()
    }

    fn data(&self, attested: Option<AttestedCredentialData>) -> Vec<u8> {
        let mut data = AuthenticatorData {
            rp_id_hash: RpId::new(&self.rp_id).unwrap().hash(&self.provider),
            flags: self.flags,
            sign_count: self.sign_count,
            attested,
            extensions: Extensions::new(),
        }
        .encode();
        (self.bend_data)(&mut data);
        data
    }

    fn sign(&self, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let hash = self.provider.sha256.hash(&[client_data]);
        let mut signature = self.signing.sign(&[data, &hash]).unwrap();
        if self.corrupt_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        (self.bend_signature)(&mut signature);
        signature
    }

    /// A `RegistrationResponseJSON`.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        self.user_handle = Some(options["user"]["id"].as_str().unwrap().into());
        let client_data = self.client_data("webauthn.create", options);
        let point: &[u8; 65] = self.signing.public_key().try_into().unwrap();
        let key = self.provider.ecdh.public_key(point).unwrap();
        let data = self.data(Some(AttestedCredentialData {
            aaguid: Aaguid::new([0; 16]),
            credential_id: CredentialId::new(&self.id).unwrap(),
            public_key: self
                .public_key
                .clone()
                .unwrap_or_else(|| CosePublicKey::from_p256(self.algorithm, &key)),
        }));
        let signature = self.sign(&data, &client_data);
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry("authData", |w| w.bytes(&data));
            map.entry("fmt", |w| {
                w.text(match self.attestation {
                    Attestation::None | Attestation::NoneWithMembers => "none",
                    Attestation::PackedSelf { .. } | Attestation::PackedWithCertificates => {
                        "packed"
                    }
                    Attestation::Other => "apple",
                });
            });
            map.entry("attStmt", |w| {
                w.map(|statement| match self.attestation {
                    Attestation::None | Attestation::Other => {}
                    Attestation::NoneWithMembers => statement.entry("alg", |w| w.int(-7)),
                    Attestation::PackedSelf { alg } => {
                        statement.entry("alg", |w| w.int(alg));
                        statement.entry("sig", |w| w.bytes(&signature));
                    }
                    Attestation::PackedWithCertificates => {
                        statement.entry("alg", |w| w.int(-7));
                        statement.entry("sig", |w| w.bytes(&signature));
                        statement.entry("x5c", |w| w.array(|a| a.item(|w| w.bytes(&[0x30]))));
                    }
                });
            });
        });
        json!({
            "id": self.id_text(),
            "rawId": self.id_text(),
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(writer.into_vec()),
                "transports": ["hybrid", "internal"],
            },
            "clientExtensionResults": self.results,
        })
    }

    /// An `AuthenticationResponseJSON`.
    pub(crate) fn get(&self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(None);
        let signature = self.sign(&data, &client_data);
        json!({
            "id": self.id_text(),
            "rawId": self.id_text(),
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": self.user_handle,
            },
            "clientExtensionResults": self.results,
        })
    }
}
