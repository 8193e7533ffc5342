//! What is judged: each preset and family of virtual authenticators, with each algorithm, and with
//! each attestation that it makes by itself.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use towline_authenticator::AttestationFormat;
use towline_crypto::{CryptoProvider, rustcrypto};
use towline_ctap::algorithm::{EDDSA, ES256, ES384, RS256};
use towline_virtual::{
    Builder, FAMILIES, VirtualAuthenticator,
    attestation::{Format, TestAttestation},
};
use towline_webauthn_rp::{
    Identity, StrictVerifier, TrustAnchors, UserEntity, Verifier, VerifyError,
};

pub(crate) const ORIGIN: &str = "https://example.org";

/// How often each passkey signs in, so that counters count.
const SIGN_INS: usize = 2;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) algorithm: i64,
    /// The preference of the site (`attestation`).
    pub(crate) conveyance: &'static str,
    pub(crate) device: VirtualAuthenticator,
    /// The certificate that vouches for the statement, in DER.
    pub(crate) root: Option<Vec<u8>>,
}

/// When SafetyNet's answers were given, which verifiers take for a few seconds only: in
/// milliseconds since 1970.
pub(crate) const SAFETYNET_MS: u64 = 1_767_225_600_000;

/// What vouches for the test root, at the beginning of 2026.
pub(crate) fn anchors(root: Vec<u8>) -> TrustAnchors {
    TrustAnchors::new([root], || SystemTime::UNIX_EPOCH + Duration::from_millis(SAFETYNET_MS))
}

/// Who vouches for keys of U2F.
pub(crate) fn u2f_vendor() -> TestAttestation {
    TestAttestation::new(Format::FidoU2f)
}

/// What passed between a site and a client: options and responses.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) options: Value,
    pub(crate) response: Value,
}

/// A registration and the sign-ins after it, which towline's own verifier has accepted.
pub(crate) struct Rounds {
    pub(crate) registration: Exchange,
    pub(crate) sign_ins: Vec<Exchange>,
    /// The format of the attestation statement.
    pub(crate) attestation: String,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    /// The counter after the last sign-in.
    pub(crate) sign_count: u32,
}

/// Starts an authenticator of a kind.
type Preset = fn() -> Builder;

pub(crate) fn all() -> Vec<Case> {
    let presets: [(&str, Preset); 5] = [
        ("security_key", || Builder::security_key().pin("2580")),
        ("fingerprint_key", Builder::fingerprint_key),
        ("platform", Builder::platform),
        ("synced_passkey", Builder::synced_passkey),
        ("phone", Builder::phone),
    ];
    let mut builders: Vec<(String, i64, Builder)> = Vec::new();
    for (preset, builder) in presets {
        for (name, algorithm) in
            [("ES256", ES256), ("EdDSA", EDDSA), ("ES384", ES384), ("RS256", RS256)]
        {
            // A key that speaks U2F has ES256 in any case; the options choose.
            let algorithms = [ES256, EDDSA, ES384, RS256];
            let builder = builder().provider(provider(algorithm)).algorithms(&algorithms);
            builders.push((format!("{preset}, {name}"), algorithm, builder));
        }
    }
    for family in FAMILIES {
        let builder = family.builder();
        let key = family.name.ends_with("-key");
        let builder = if key { builder.pin("2580") } else { builder };
        builders.push((family.name.to_owned(), ES256, builder));
    }
    let devices = builders
        .into_iter()
        .map(|(name, algorithm, builder)| (name, algorithm, builder.build().unwrap()));
    let cases = devices.flat_map(|(name, algorithm, device)| {
        ["none", "direct"].map(|conveyance| Case {
            name: format!("{name}, attestation {conveyance}"),
            algorithm,
            conveyance,
            device: device.clone(),
            root: None,
        })
    });
    cases.chain(vouched_for()).collect()
}

/// Those for which their vendor vouches, by statements with certificates up to a test root.
fn vouched_for() -> Vec<Case> {
    let formats = [
        Format::Packed,
        Format::FidoU2f,
        Format::Tpm,
        Format::AndroidKey,
        Format::AndroidSafetyNet,
        Format::Apple,
    ];
    let case = |format| {
        let vendor = TestAttestation::new(format);
        let root = vendor.root_der().unwrap();
        let key = || Builder::security_key().pin("2580").batch_attestation(vendor.batch().unwrap());
        let builder = match format {
            Format::Packed => key(),
            Format::FidoU2f => key().attestation_formats(&[AttestationFormat::FidoU2f]),
            _ => Builder::platform().attestation(vendor),
        };
        Case {
            name: format!("vouched for, {format:?}"),
            algorithm: ES256,
            conveyance: "direct",
            device: builder.build().unwrap(),
            root: Some(root),
        }
    };
    formats.into_iter().map(case).collect()
}

/// RS256 is in AWS-LC alone.
fn provider(algorithm: i64) -> CryptoProvider {
    if algorithm == RS256 { towline_crypto_aws_lc::provider() } else { rustcrypto::provider() }
}

pub(crate) fn identity() -> Identity {
    Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(300),
    }
}

impl Case {
    /// Registers and signs in. Each response passes `StrictVerifier`, which makes the options.
    pub(crate) fn run(&self) -> Result<Rounds, VerifyError> {
        let mut verifier = StrictVerifier::new(&identity(), provider(self.algorithm))?;
        if let Some(root) = &self.root {
            // SafetyNet's answers are signed by RSA.
            verifier = StrictVerifier::new(&identity(), provider(RS256))?;
            verifier = verifier.with_attestation(anchors(root.clone()));
        }
        let handle = if self.conveyance == "none" { [1; 32] } else { [2; 32] };
        let user = UserEntity { handle, name: "alice".into() };

        let mut begun = verifier.begin_registration(&user, &[])?;
        begun.options["attestation"] = json!(self.conveyance);
        begun.options["pubKeyCredParams"] =
            json!([{ "type": "public-key", "alg": self.algorithm }]);
        let registration = self.create(begun.options);
        let check = verifier.finish_registration(begun.state, &registration.response)?;
        let mut record = check.record;

        let mut sign_ins = Vec::new();
        for _ in 0..SIGN_INS {
            let begun = verifier.begin_sign_in(Some(std::slice::from_ref(&record)))?;
            let exchange = self.get(begun.options);
            record = verifier.finish_sign_in(begun.state, &record, &exchange.response)?.record;
            sign_ins.push(exchange);
        }
        Ok(Rounds {
            registration,
            sign_ins,
            attestation: check.attestation,
            backup_eligible: record.backup_eligible,
            backed_up: record.backed_up,
            sign_count: record.sign_count,
        })
    }

    pub(crate) fn create(&self, options: Value) -> Exchange {
        let response = self.device.create(ORIGIN, &options.to_string());
        let response = response.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        Exchange { options, response: serde_json::from_str(&response).unwrap() }
    }

    pub(crate) fn get(&self, options: Value) -> Exchange {
        let response = self.device.get(ORIGIN, &options.to_string());
        let response = response.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        Exchange { options, response: serde_json::from_str(&response).unwrap() }
    }
}
