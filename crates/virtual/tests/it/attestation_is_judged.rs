//! Attestation of each format, straight and with each flaw, before two verifiers: somebody else's,
//! as far as it knows the format, and our own.

mod android;
mod safetynet;
mod tpm;
mod verifier;

use std::time::Duration;

use towline_ctap::{Aaguid, AuthenticatorData, u2f::U2fRegistration};
use towline_virtual::{
    Builder, TEST_AAGUID, VirtualAuthenticator,
    attestation::{Flaw, Format, Item, Part, TestAttestation, oid},
};
use webauthn_rs_core::{
    WebauthnCore,
    proto::{AttestationCaList, AttestationConveyancePreference},
};

use self::verifier::{Registration, verify_u2f};
use crate::options::ORIGIN;

const SEED: u64 = 13;

fn of(format: Format) -> TestAttestation {
    TestAttestation::new(format).seed(SEED)
}

fn device(attestation: TestAttestation) -> VirtualAuthenticator {
    Builder::platform().seed(SEED).attestation(attestation).build().unwrap()
}

/// What our own verifier says: nothing, or which check fails first.
fn ours(attestation: TestAttestation) -> Option<&'static str> {
    let root = of(Format::Packed).root_der().unwrap();
    Registration::of(&device(attestation)).verify(&root).err()
}

/// What `webauthn-rs-core` says: nothing, or the name of its error.
fn theirs(attestation: TestAttestation) -> Option<String> {
    let root = of(Format::Packed).root_pem().unwrap();
    judged(&device(attestation), &root)
}

fn judged(device: &VirtualAuthenticator, root: &str) -> Option<String> {
    let (origins, patience) = (vec![ORIGIN.parse().unwrap()], Duration::from_secs(60));
    let server = WebauthnCore::new_unsafe_experts_only(
        "Example",
        "example.org",
        origins,
        patience,
        None,
        None,
    );
    let builder = server.new_challenge_register_builder(b"alice", "alice", "alice").unwrap();
    let builder = builder.attestation(AttestationConveyancePreference::Direct);
    let (options, state) = server.generate_challenge_register(builder).unwrap();
    let response = device.create(ORIGIN, &serde_json::to_string(&options).unwrap()).unwrap();
    let response = serde_json::from_str(&response).unwrap();
    let roots = AttestationCaList::try_from(root.as_bytes()).unwrap();
    let verdict = server.register_credential(&response, &state, Some(&roots));
    verdict.err().map(|error| format!("{error:?}"))
}

#[test]
fn each_format_is_accepted() {
    for format in Format::ALL {
        assert_eq!(ours(of(format)), None, "{format:?}");
        let registration = Registration::of(&device(of(format)));
        assert_eq!(registration.fmt, format.identifier());
    }
}

#[test]
fn somebody_elses_verifier_accepts_what_it_knows() {
    for format in [Format::Packed, Format::Enterprise, Format::FidoU2f, Format::AndroidKey] {
        assert_eq!(theirs(of(format)), None, "{format:?}");
    }
    assert_eq!(theirs(of(Format::Apple)), None);
    // Verified, and then not enough where there is a root to lead to.
    for format in [Format::None, Format::PackedSelf] {
        assert_eq!(theirs(of(format)).as_deref(), Some("AttestationNotVerifiable"), "{format:?}");
    }
    // It takes no `extraData` but that of SHA-1, and does not know the others.
    assert_eq!(theirs(of(Format::Tpm)).as_deref(), Some("COSEKeyInvalidType"));
    for format in [Format::AndroidSafetyNet, Format::Compound] {
        assert_eq!(theirs(of(format)).as_deref(), Some("AttestationNotSupported"), "{format:?}");
    }
}

#[test]
fn each_flaw_is_noticed_by_the_check_that_is_for_it() {
    use Flaw::{Expired, UnorderedChain, UntrustedRoot, WrongAaguid, WrongKey};
    for format in Format::ALL {
        for flaw in format.flaws() {
            let verdict = ours(of(format).flawed(*flaw).unwrap());
            let expected = match (flaw, format) {
                (Expired, _) => Some("expired"),
                (UntrustedRoot, _) => Some("root"),
                (
                    WrongAaguid,
                    Format::Packed | Format::Enterprise | Format::Tpm | Format::Compound,
                ) => Some("aaguid"),
                // Nobody looks for it there.
                (WrongAaguid, _) => None,
                (WrongKey, Format::AndroidKey | Format::Apple) => Some("credential key"),
                (WrongKey, Format::PackedSelf | _) => Some("signature"),
                (UnorderedChain, Format::FidoU2f) => Some("x5c"),
                (UnorderedChain, Format::Apple) => Some("nonce"),
                (UnorderedChain, _) => Some("signature"),
            };
            assert_eq!(verdict, expected, "{format:?} {flaw:?}");
        }
        for flaw in Flaw::ALL.iter().filter(|flaw| !format.flaws().contains(flaw)) {
            let refused = of(format).flawed(*flaw).unwrap_err();
            assert!(refused.to_string().contains("nothing to be wrong"), "{refused}");
        }
    }
}

#[test]
fn somebody_elses_verifier_notices_the_flaws() {
    use Flaw::{Expired, UnorderedChain, UntrustedRoot, WrongAaguid, WrongKey};
    let formats =
        [Format::Packed, Format::Enterprise, Format::FidoU2f, Format::AndroidKey, Format::Apple];
    for format in formats {
        for flaw in format.flaws() {
            let verdict = theirs(of(format).flawed(*flaw).unwrap());
            let expected = match (flaw, format) {
                (Expired, _) => Some("AttestationChainNotTrusted(NotAfter)"),
                (UntrustedRoot, _) => Some("AttestationChainNotTrusted(NoMatchingIssuer)"),
                (WrongAaguid, Format::Packed | Format::Enterprise) => {
                    Some("AttestationCertificateAAGUIDMismatch")
                }
                (WrongAaguid, _) => None,
                (WrongKey, Format::AndroidKey | Format::Apple) => {
                    Some("AttestationCredentialSubjectKeyMismatch")
                }
                (UnorderedChain, Format::FidoU2f) => Some("AttestationStatementX5CInvalid"),
                (UnorderedChain, Format::Apple) => Some("AttestationStatementMissingExtension"),
                (WrongKey | UnorderedChain, _) => Some("AttestationStatementSigInvalid"),
            };
            assert_eq!(verdict.as_deref(), expected, "{format:?} {flaw:?}");
        }
    }
}

/// A name, how it is bent, and the check that is to notice it.
type Case = (Format, &'static str, fn(Part<'_>));

const CASES: [Case; 19] = [
    (Format::PackedSelf, "alg", |part| with(part, |it| it.set("alg", Item::Int(-8)))),
    (Format::Packed, "sig", |part| with(part, |it| it.remove("sig"))),
    (Format::Packed, "signature", |part| {
        if let Part::Signed(message) = part {
            message.push(0);
        }
    }),
    (Format::Packed, "version", |part| leaf(part, |it| it.version = 2)),
    (Format::Packed, "subject", |part| leaf(part, |it| it.subject.truncate(2))),
    (Format::Packed, "aaguid", |part| leaf(part, |it| it.remove_extension(oid::AAGUID))),
    (Format::Packed, "aaguid", |part| {
        leaf(part, |it| it.extension(oid::AAGUID).unwrap().critical = true);
    }),
    (Format::Packed, "order", |part| {
        if let Part::Intermediate(above) = part {
            above.remove_extension(oid::BASIC_CONSTRAINTS);
        }
    }),
    (Format::Tpm, "ver", |part| with(part, |it| it.set("ver", Item::Text("1.2".into())))),
    (Format::Tpm, "pubArea", |part| {
        if let Part::PubArea(area) = part {
            area.unique.push(0);
        }
    }),
    (Format::Tpm, "magic", |part| info(part, |it| it.magic = 0)),
    (Format::Tpm, "type", |part| info(part, |it| it.attestation_type = 0x8018)),
    (Format::Tpm, "extraData", |part| info(part, |it| it.extra_data.truncate(20))),
    (Format::Tpm, "name", |part| info(part, |it| it.name[5] ^= 1)),
    (Format::Tpm, "subject", |part| {
        leaf(part, |it| it.subject.push((oid::COMMON_NAME, "TPM".into())));
    }),
    (Format::AndroidKey, "challenge", |part| {
        if let Part::KeyDescription(description) = part {
            description.attestation_challenge[0] ^= 1;
        }
    }),
    (Format::AndroidKey, "all applications", |part| {
        if let Part::KeyDescription(description) = part {
            description.software_enforced.all_applications = true;
        }
    }),
    (Format::Apple, "nonce", |part| {
        if let Part::Nonce(nonce) = part {
            nonce[0] ^= 1;
        }
    }),
    (Format::AndroidSafetyNet, "integrity", |part| {
        if let Part::SafetyNet(answer) = part {
            answer.cts_profile_match = false;
        }
    }),
];

fn with(part: Part<'_>, change: impl Fn(&mut Item)) {
    if let Part::Statement(statement) = part {
        change(statement);
    }
}

fn leaf(part: Part<'_>, change: impl Fn(&mut towline_virtual::attestation::Certificate)) {
    if let Part::Leaf(leaf) = part {
        change(leaf);
    }
}

fn info(part: Part<'_>, change: impl Fn(&mut towline_virtual::attestation::CertInfo)) {
    if let Part::CertInfo(info) = part {
        change(info);
    }
}

#[test]
fn one_member_is_bent_and_that_one_is_noticed() {
    for (index, (format, expected, bend)) in CASES.into_iter().enumerate() {
        assert_eq!(ours(of(format).bend(bend)), Some(expected), "case {index} of {format:?}");
    }
    // What is made of a bent part is made of it as it then is: another attribute, another name.
    let moved = of(Format::Tpm).bend(|part| {
        if let Part::PubArea(area) = part {
            area.object_attributes = 0;
        }
    });
    assert_eq!(ours(moved), Some("attributes"));
}

#[test]
fn somebody_elses_verifier_notices_bent_members() {
    let cases: [(usize, &str); 5] = [
        (1, "AttestationStatementSigMissing"),
        (4, "AttestationCertificateRequirementsNotMet"),
        (6, "AttestationCertificateRequirementsNotMet"),
        (15, "AttestationCertificateNonceMismatch"),
        (17, "AttestationCertificateNonceMismatch"),
    ];
    for (index, expected) in cases {
        let (format, _, bend) = CASES[index];
        let verdict = theirs(of(format).bend(bend));
        assert_eq!(verdict.as_deref(), Some(expected), "case {index} of {format:?}");
    }
}

#[test]
fn keys_of_other_algorithms_are_attested_to_where_the_format_has_them() {
    let root = of(Format::Packed).root_der().unwrap();
    for format in Format::ALL {
        for alg in [-35, -8] {
            let verdict = Registration::with(&device(of(format)), alg).map(|it| {
                let fmt = if format == Format::FidoU2f { "none" } else { format.identifier() };
                assert_eq!(it.fmt, fmt);
                it.verify(&root)
            });
            // No TPM has Ed25519.
            let expected = match (format, alg) {
                (Format::Tpm, -8) => Err("NotAllowedError".to_owned()),
                _ => Ok(Ok(())),
            };
            assert_eq!(verdict, expected, "{format:?} {alg}");
        }
    }
}

#[test]
fn a_site_trusts_the_test_root_and_refuses_what_is_bent() {
    let good = TestAttestation::new(Format::Packed);
    let root = good.root_pem().unwrap(); // for the trust store of your site
    let key = Builder::security_key().attestation(good).build().unwrap();
    assert_eq!(judged(&key, &root), None);

    let expired = TestAttestation::new(Format::Packed).flawed(Flaw::Expired).unwrap();
    let key = Builder::security_key().attestation(expired).build().unwrap();
    let refused = judged(&key, &root).unwrap();
    assert_eq!(refused, "AttestationChainNotTrusted(NotAfter)");

    let bent = TestAttestation::new(Format::AndroidKey).bend(|part| {
        if let Part::KeyDescription(description) = part {
            description.tee_enforced.all_applications = true;
        }
    });
    let phone = Builder::platform().attestation(bent).build().unwrap();
    assert_eq!(judged(&phone, &root).unwrap(), "AttestationStatementX5CInvalid");
}

#[test]
fn compound_consists_of_any_and_its_parts_are_bent() {
    let both = || TestAttestation::compound([of(Format::Tpm), of(Format::AndroidKey)]).seed(SEED);
    assert_eq!(ours(both()), None);
    assert_eq!(ours(both().flawed(Flaw::WrongAaguid).unwrap()), Some("aaguid"));
    let second = TestAttestation::compound([
        of(Format::Tpm),
        of(Format::AndroidKey).flawed(Flaw::WrongKey).unwrap(),
    ]);
    assert_eq!(ours(second), Some("credential key"));
    assert_eq!(ours(both().bend(|part| info(part, |it| it.magic = 0))), Some("magic"));
    // A part that has no certificates, and no part at all, can't have a flaw of certificates.
    let without = [vec![], vec![of(Format::PackedSelf), of(Format::Tpm)]];
    for parts in without {
        assert!(TestAttestation::compound(parts).flawed(Flaw::Expired).is_err());
    }
    let alone = both().bend(|part| {
        if let Part::Statement(Item::Array(parts)) = part {
            parts.truncate(1);
        }
    });
    assert_eq!(ours(alone), Some("statement"));
}

#[test]
fn everything_follows_from_the_seed() {
    for format in Format::ALL {
        let run = |seed| Registration::of(&device(TestAttestation::new(format).seed(seed))).json;
        assert_eq!(run(1), run(1), "{format:?}");
        let own = matches!(format, Format::None | Format::PackedSelf);
        assert_eq!(run(1) == run(2), own, "{format:?}");
    }
    let root = |seed| of(Format::Apple).seed(seed).root_der().unwrap();
    assert_ne!(root(1), root(2));
    assert_eq!(root(SEED), of(Format::Tpm).root_der().unwrap(), "one root for all formats");
}

#[test]
fn the_authenticator_makes_its_own_with_the_test_key() {
    let pem = of(Format::Packed).root_pem().unwrap();
    let root = of(Format::Packed).root_der().unwrap();
    let key = |attestation: TestAttestation| {
        Builder::security_key().batch_attestation(attestation.batch().unwrap()).build().unwrap()
    };
    let device = key(of(Format::Packed));
    assert_eq!(Registration::of(&device).verify(&root), Ok(()));
    assert_eq!(judged(&device, &pem), None);
    let expired = key(of(Format::Packed).flawed(Flaw::Expired).unwrap());
    assert_eq!(Registration::of(&expired).verify(&root), Err("expired"));
    let forged = key(of(Format::Packed).flawed(Flaw::WrongKey).unwrap());
    assert_eq!(judged(&forged, &pem).as_deref(), Some("AttestationStatementSigInvalid"));

    // U2F itself, without CTAP.
    let u2f = |attestation: TestAttestation| {
        let key = Builder::u2f_key().batch_attestation(attestation.batch().unwrap());
        let key = key.build().unwrap();
        let register = [&[0, 1, 0, 0, 0, 0, 64][..], &[7; 64], &[0, 0]].concat();
        assert_eq!(key.u2f(&register), [0x69, 0x85], "a touch, please");
        let made = key.u2f(&register);
        let made = U2fRegistration::decode(made.strip_suffix(&[0x90, 0]).unwrap()).unwrap();
        verify_u2f(&made, &[7; 32], &root)
    };
    assert_eq!(u2f(of(Format::FidoU2f)), Ok(()));
    assert_eq!(u2f(of(Format::FidoU2f).flawed(Flaw::UntrustedRoot).unwrap()), Err("root"));
    assert_eq!(u2f(of(Format::FidoU2f).flawed(Flaw::WrongKey).unwrap()), Err("signature"));

    // The config takes it: it holds the serial number of the device.
    let enterprise = of(Format::Enterprise).enterprise(Vec::new()).unwrap();
    let device = Builder::security_key().pin("2580").enterprise_attestation(enterprise);
    assert_eq!(device.build().unwrap().info().unwrap().options.ep, Some(false));
    let without = of(Format::Packed).enterprise(Vec::new()).unwrap();
    assert!(Builder::security_key().enterprise_attestation(without).build().is_err());
}

#[test]
fn u2f_has_no_aaguid_and_all_others_say_that_it_is_a_test() {
    for format in Format::ALL {
        let expected = if format == Format::FidoU2f { Aaguid::ZERO } else { TEST_AAGUID };
        let json: serde_json::Value =
            serde_json::from_str(&Registration::of(&device(of(format))).json).unwrap();
        let data = json["response"]["authenticatorData"].as_str().unwrap();
        let data = AuthenticatorData::decode(&crate::options::bytes(data)).unwrap();
        assert_eq!(data.attested.unwrap().aaguid, expected, "{format:?}");
    }
}
