//! The verifier that comes with the relying party: attestation `none` and packed self, user
//! verification required.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use towline_cbor::{Key, Reader, decode};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    AuthenticatorData, CosePublicKey, Flags, MESSAGE_DEPTH, Malformed, RpId, RpIdHash,
};

use crate::{Challenge, Identity, RegistrationCheck, SignInCheck, User, Verifier, VerifyError};

/// Verifies credentials with attestation `none` or packed self attestation, of the algorithms that
/// the provider has, and accepts nothing else (WebAuthn L3 §7.1, §7.2).
#[derive(Debug)]
pub struct StrictVerifier {
    identity: Identity,
    rp_id_hash: RpIdHash,
    /// Those that are offered, by preference.
    algorithms: Vec<i64>,
    verification_required: bool,
    provider: CryptoProvider,
}

/// The challenge of a ceremony under way.
#[derive(Debug)]
pub struct StrictVerifierState([u8; 32]);

/// A credential as sign-ins are checked against it (WebAuthn L3 §4, "credential record").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    id: Vec<u8>,
    public_key: CosePublicKey,
    sign_count: u32,
    backup_eligible: bool,
    transports: Vec<String>,
}

impl StrictVerifier {
    /// A verifier for one site. It offers all signature algorithms of the provider, in the
    /// provider's order.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when the RP ID is not one, or the provider has no signature
    /// algorithm.
    pub fn new(identity: &Identity, provider: CryptoProvider) -> Result<Self, VerifyError> {
        let rp_id =
            RpId::new(&identity.rp_id).map_err(|e| VerifyError::Unavailable(e.to_string()))?;
        let known = provider.signatures.iter().map(|known| known.cose_algorithm());
        let algorithms: Vec<i64> =
            known.filter(|alg| CosePublicKey::has_plain_form(*alg)).collect();
        if algorithms.is_empty() {
            let reason = "the cryptography provider has no signature algorithm";
            return Err(VerifyError::Unavailable(reason.into()));
        }
        Ok(Self {
            identity: identity.clone(),
            rp_id_hash: rp_id.hash(&provider),
            algorithms,
            verification_required: true,
            provider,
        })
    }

    /// The same, which prefers user verification but accepts people who are only present.
    #[must_use]
    pub fn without_user_verification(self) -> Self {
        Self { verification_required: false, ..self }
    }

    const fn user_verification(&self) -> &'static str {
        if self.verification_required { "required" } else { "preferred" }
    }

    fn challenge(&self) -> Result<[u8; 32], VerifyError> {
        self.provider.random.bytes().map_err(|e| VerifyError::Unavailable(e.to_string()))
    }

    fn timeout_ms(&self) -> u64 {
        u64::try_from(self.identity.challenge_lifetime.as_millis()).unwrap_or(u64::MAX)
    }

    /// Steps 7 to 12 of §7.1 and 10 to 14 of §7.2. Gives the hash of the client data.
    fn check_client_data(
        &self,
        json: &[u8],
        kind: &str,
        challenge: &[u8; 32],
    ) -> Result<[u8; 32], VerifyError> {
        let data: ClientData =
            serde_json::from_slice(json).map_err(|_| VerifyError::Malformed("client data"))?;
        if data.kind != kind {
            return Err(VerifyError::Type(data.kind));
        }
        if URL_SAFE_NO_PAD.decode(&data.challenge).ok().as_deref() != Some(challenge) {
            return Err(VerifyError::Challenge);
        }
        if data.origin != self.identity.origin {
            return Err(VerifyError::Origin(data.origin));
        }
        if data.cross_origin || data.top_origin.is_some() {
            return Err(VerifyError::CrossOrigin);
        }
        Ok(self.provider.sha256.hash(&[json]))
    }

    /// Steps 14 to 18 of §7.1 and 15 to 19 of §7.2.
    fn check_authenticator_data(&self, bytes: &[u8]) -> Result<AuthenticatorData, VerifyError> {
        let data = AuthenticatorData::decode(bytes)
            .map_err(|_| VerifyError::Malformed("authenticator data"))?;
        if data.rp_id_hash != self.rp_id_hash {
            return Err(VerifyError::RpId);
        }
        if !data.flags.contains(Flags::UP) {
            return Err(VerifyError::NotPresent);
        }
        if self.verification_required && !data.flags.contains(Flags::UV) {
            return Err(VerifyError::NotVerified);
        }
        if data.flags.contains(Flags::BS) && !data.flags.contains(Flags::BE) {
            return Err(VerifyError::BackupFlags);
        }
        Ok(data)
    }

    fn check_signature(
        &self,
        public_key: &CosePublicKey,
        signed: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let algorithm = public_key.algorithm().filter(|alg| self.algorithms.contains(alg));
        let algorithm = algorithm.and_then(|alg| self.provider.signature(alg));
        let algorithm = algorithm.ok_or(VerifyError::Algorithm)?;
        let plain = public_key.to_plain().ok_or(VerifyError::Algorithm)?;
        algorithm.verify(&plain, &signed.concat(), signature).map_err(|_| VerifyError::Signature)
    }
}

impl Verifier for StrictVerifier {
    type Record = CredentialRecord;
    type Registration = StrictVerifierState;
    type SignIn = StrictVerifierState;

    fn begin_registration(
        &self,
        user: &User,
        existing: &[CredentialRecord],
    ) -> Result<Challenge<StrictVerifierState>, VerifyError> {
        let challenge = self.challenge()?;
        let params = self.algorithms.iter().map(|alg| json!({ "type": "public-key", "alg": alg }));
        let params: Vec<Value> = params.collect();
        let options = json!({
            "rp": { "id": self.identity.rp_id, "name": self.identity.rp_name },
            "user": { "id": URL_SAFE_NO_PAD.encode(user.handle), "name": user.name, "displayName": user.name },
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "pubKeyCredParams": params,
            "timeout": self.timeout_ms(),
            "excludeCredentials": descriptors(existing),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": self.user_verification(),
            },
            "attestation": "none",
            "extensions": { "credProps": true },
        });
        Ok(Challenge { options, state: StrictVerifierState(challenge) })
    }

    fn finish_registration(
        &self,
        state: StrictVerifierState,
        credential: &Value,
    ) -> Result<RegistrationCheck<CredentialRecord>, VerifyError> {
        let (raw_id, response) = open::<AttestationResponse>(credential)?;
        let client_data = bytes(&response.client_data_json, "client data")?;
        let hash = self.check_client_data(&client_data, "webauthn.create", &state.0)?;
        let object = bytes(&response.attestation_object, "attestation object")?;
        let object = AttestationObject::decode(&object)
            .map_err(|_| VerifyError::Malformed("attestation object"))?;
        let data = self.check_authenticator_data(object.auth_data)?;
        let attested = data.attested.ok_or(VerifyError::Malformed("attested credential data"))?;
        let public_key = attested.public_key;
        let offered = public_key.algorithm().is_some_and(|alg| self.algorithms.contains(&alg));
        if !offered || public_key.to_plain().is_none() {
            return Err(VerifyError::Algorithm);
        }
        if attested.credential_id.as_bytes() != raw_id {
            return Err(VerifyError::CredentialId);
        }
        match object.statement {
            Statement::None => {}
            Statement::PackedSelf { alg, sig } => {
                if public_key.algorithm() != Some(alg) {
                    return Err(VerifyError::Attestation);
                }
                self.check_signature(&public_key, &[object.auth_data, &hash], sig)
                    .map_err(|_| VerifyError::Attestation)?;
            }
            Statement::Unsupported => {
                return Err(VerifyError::UnsupportedAttestation(object.format.into()));
            }
        }
        let backup_eligible = data.flags.contains(Flags::BE);
        Ok(RegistrationCheck {
            credential_id: URL_SAFE_NO_PAD.encode(&raw_id),
            attestation: object.format.into(),
            backup_eligible,
            backed_up: data.flags.contains(Flags::BS),
            record: CredentialRecord {
                id: raw_id,
                public_key,
                sign_count: data.sign_count,
                backup_eligible,
                transports: response.transports,
            },
        })
    }

    fn begin_sign_in(
        &self,
        allow: Option<&[CredentialRecord]>,
    ) -> Result<Challenge<StrictVerifierState>, VerifyError> {
        let challenge = self.challenge()?;
        let options = json!({
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "timeout": self.timeout_ms(),
            "rpId": self.identity.rp_id,
            "allowCredentials": descriptors(allow.unwrap_or_default()),
            "userVerification": self.user_verification(),
        });
        Ok(Challenge { options, state: StrictVerifierState(challenge) })
    }

    fn finish_sign_in(
        &self,
        state: StrictVerifierState,
        record: &CredentialRecord,
        credential: &Value,
    ) -> Result<SignInCheck<CredentialRecord>, VerifyError> {
        let (raw_id, response) = open::<AssertionResponse>(credential)?;
        if raw_id != record.id {
            return Err(VerifyError::CredentialId);
        }
        let client_data = bytes(&response.client_data_json, "client data")?;
        let hash = self.check_client_data(&client_data, "webauthn.get", &state.0)?;
        let signed = bytes(&response.authenticator_data, "authenticator data")?;
        let data = self.check_authenticator_data(&signed)?;
        if data.flags.contains(Flags::BE) != record.backup_eligible {
            return Err(VerifyError::BackupFlags);
        }
        let signature = bytes(&response.signature, "signature")?;
        self.check_signature(&record.public_key, &[&signed, &hash], &signature)?;
        // §7.2 step 22: zero on both sides means that the authenticator does not count.
        if (data.sign_count != 0 || record.sign_count != 0) && data.sign_count <= record.sign_count
        {
            return Err(VerifyError::Counter);
        }
        Ok(SignInCheck {
            user_verified: data.flags.contains(Flags::UV),
            backed_up: data.flags.contains(Flags::BS),
            record: CredentialRecord { sign_count: data.sign_count, ..record.clone() },
        })
    }
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    authenticator_data: String,
    signature: String,
}

struct AttestationObject<'a> {
    format: &'a str,
    statement: Statement<'a>,
    auth_data: &'a [u8],
}

enum Statement<'a> {
    None,
    PackedSelf { alg: i64, sig: &'a [u8] },
    Unsupported,
}

impl<'a> AttestationObject<'a> {
    fn decode(object: &'a [u8]) -> Result<Self, Malformed> {
        let (mut format, mut statement, mut auth_data) = (None, None, None);
        decode(object, MESSAGE_DEPTH, |reader| {
            reader.map(|key, value| {
                match key {
                    Key::Text("fmt") => format = Some(value.text()?),
                    Key::Text("attStmt") => statement = Some(value.raw()?),
                    Key::Text("authData") => auth_data = Some(value.bytes()?),
                    _ => {}
                }
                Ok::<(), Malformed>(())
            })
        })?;
        let format = format.ok_or(Malformed::Missing("fmt"))?;
        let statement = statement.ok_or(Malformed::Missing("attStmt"))?;
        let auth_data = auth_data.ok_or(Malformed::Missing("authData"))?;
        let statement = decode(statement, MESSAGE_DEPTH, |reader| Statement::read(format, reader))?;
        Ok(Self { format, statement, auth_data })
    }
}

impl<'a> Statement<'a> {
    fn read(format: &str, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (mut alg, mut sig, mut others) = (None, None, false);
        reader.map(|key, value| {
            match key {
                Key::Text("alg") => alg = Some(value.int()?),
                Key::Text("sig") => sig = Some(value.bytes()?),
                _ => others = true,
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(match (format, alg, sig, others) {
            ("none", None, None, false) => Self::None,
            ("packed", Some(alg), Some(sig), false) => Self::PackedSelf { alg, sig },
            _ => Self::Unsupported,
        })
    }
}

/// The id and the typed `response` of a `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
fn open<'a, R: Deserialize<'a>>(credential: &'a Value) -> Result<(Vec<u8>, R), VerifyError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Credential<R> {
        id: String,
        raw_id: String,
        #[serde(rename = "type")]
        kind: String,
        response: R,
    }
    let credential =
        Credential::<R>::deserialize(credential).map_err(|_| VerifyError::Malformed("JSON"))?;
    if credential.kind != "public-key" {
        return Err(VerifyError::Malformed("type"));
    }
    if credential.id != credential.raw_id {
        return Err(VerifyError::CredentialId);
    }
    Ok((bytes(&credential.raw_id, "credential id")?, credential.response))
}

fn bytes(base64url: &str, what: &'static str) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode(base64url).map_err(|_| VerifyError::Malformed(what))
}

fn descriptors(records: &[CredentialRecord]) -> Vec<Value> {
    records
        .iter()
        .map(|record| {
            let mut descriptor =
                json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&record.id) });
            if let (Some(members), false) =
                (descriptor.as_object_mut(), record.transports.is_empty())
            {
                members.insert("transports".into(), json!(record.transports));
            }
            descriptor
        })
        .collect()
}
