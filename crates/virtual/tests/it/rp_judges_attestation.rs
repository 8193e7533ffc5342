//! Attestation of each format, good and flawed, before `towline-webauthn-rp` with the test root.

use std::time::{Duration, SystemTime};

use towline_crypto::{CryptoProvider, rustcrypto};
use towline_virtual::{
    Builder,
    attestation::{Flaw, Format, Item, Part, TestAttestation},
};
use towline_webauthn_rp::{
    Identity, Procedure, StrictVerifier, TrustAnchors, UserEntity, Verifier as _, VerifyError,
};

use crate::options::ORIGIN;

/// In the summer of 2026.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

/// The format, and whether it was trusted.
fn judged(attestation: TestAttestation, root: Vec<u8>) -> Result<(String, bool), VerifyError> {
    judged_by(towline_crypto_fastest::provider(), attestation, root)
}

fn judged_by(
    provider: CryptoProvider,
    attestation: TestAttestation,
    root: Vec<u8>,
) -> Result<(String, bool), VerifyError> {
    let identity = Identity {
        rp_id: "example.org".into(),
        rp_name: "Example".into(),
        origin: ORIGIN.into(),
        challenge_lifetime: Duration::from_secs(60),
    };
    let verifier = StrictVerifier::new(&identity, provider).unwrap();
    let verifier = verifier.with_attestation(TrustAnchors::new([root], now));
    let user = UserEntity { handle: [7; 32], name: "alice".into() };
    let begun = verifier.begin_registration(&user, &[]).unwrap();
    assert_eq!(begun.options["attestation"], "direct");
    let mut options = begun.options;
    // All formats have ES256.
    options["pubKeyCredParams"] = serde_json::json!([{"type": "public-key", "alg": -7}]);
    let device = Builder::platform().attestation(attestation).build().unwrap();
    let response = device.create(ORIGIN, &options.to_string()).unwrap();
    let response = serde_json::from_str(&response).unwrap();
    let check = verifier.finish_registration(begun.state, &response)?;
    Ok((check.attestation, check.attestation_trusted))
}

fn root() -> Vec<u8> {
    TestAttestation::new(Format::Packed).root_der().unwrap()
}

#[test]
fn each_format_is_accepted_by_its_root() {
    for format in Format::ALL {
        let trusted = !matches!(format, Format::None | Format::PackedSelf);
        let judged = judged(TestAttestation::new(format), root());
        assert_eq!(judged, Ok((format.identifier().into(), trusted)), "{format:?}");
    }
}

#[test]
fn a_provider_without_rsa_refuses_what_is_signed_by_rsa() {
    let good = TestAttestation::new(Format::AndroidSafetyNet);
    let refused = judged_by(rustcrypto::provider(), good, root());
    let format = "android-safetynet".to_owned();
    assert_eq!(refused, Err(VerifyError::UnsupportedAttestation(format)));
}

/// Anybody can attest himself, in as many statements as he likes.
#[test]
fn self_attestation_is_trusted_in_no_disguise() {
    let itself = || TestAttestation::new(Format::PackedSelf);
    let twice = TestAttestation::compound([itself(), itself()]);
    assert_eq!(judged(twice, root()), Ok(("compound".into(), false)));
    let with_more = |name: &'static str, item: Item| {
        itself().bend(move |part| {
            if let Part::Statement(statement) = part {
                statement.set(name, item.clone());
            }
        })
    };
    let unknown = with_more("x", Item::Int(1));
    assert_eq!(judged(unknown, root()), Ok(("packed".into(), false)));
    let without_any = judged(with_more("x5c", Item::Array(Vec::new())), root());
    assert_eq!(without_any, Err(VerifyError::Attestation("a member is missing")));
}

#[test]
fn each_flaw_is_refused_at_its_step() {
    use Flaw::{Expired, UnorderedChain, UntrustedRoot, WrongAaguid, WrongKey};
    for format in Format::ALL {
        for flaw in format.flaws() {
            let flawed = TestAttestation::new(format).flawed(*flaw).unwrap();
            let verdict = judged(flawed, root());
            let names_a_model = matches!(
                format,
                Format::Packed | Format::Enterprise | Format::Tpm | Format::Compound
            );
            let step = match flaw {
                Expired | UntrustedRoot => Some(24),
                WrongAaguid if !names_a_model => None,
                WrongAaguid | WrongKey | UnorderedChain => Some(22),
            };
            let refused = verdict.as_ref().err().and_then(|it| it.step(Procedure::Registration));
            assert_eq!(refused, step, "{format:?} {flaw:?}: {verdict:?}");
        }
    }
}

#[test]
fn without_its_root_nothing_is_trusted() {
    let another = TestAttestation::new(Format::Packed).seed(99).root_der().unwrap();
    for format in Format::ALL {
        let verdict = judged(TestAttestation::new(format), another.clone());
        match format {
            Format::None | Format::PackedSelf => assert!(!verdict.unwrap().1),
            _ => assert!(
                matches!(verdict, Err(VerifyError::UntrustedAttestation(_))),
                "{format:?}: {verdict:?}"
            ),
        }
    }
}
