//! What faults of requests, answers and signatures do, seen over CTAP: the same authenticator
//! twice, with a fault and without.

use std::time::Duration;

use towline_client::{Channel, ChannelError};
use towline_crypto::rustcrypto;
use towline_ctap::{
    AttestationStatement, AuthenticatorData, ClientDataHash, CosePublicKey, CredentialId, Flags,
    GetAssertionRequest, GetAssertionResponse, MakeCredentialRequest, MakeCredentialResponse,
    PublicKeyCredentialDescriptor, Request, Rp, RpId, Status, User, UserHandle, algorithm,
};
use towline_virtual::{Builder, Fault, FaultPlace, VirtualAuthenticator};

const HASH: [u8; 32] = [7; 32];

/// What two authenticators of one seed answer: to a registration, and to a sign-in after one that
/// was as it must be.
struct Answers {
    made: [Vec<u8>; 2],
    signed: [Vec<u8>; 2],
    broken: VirtualAuthenticator,
}

fn creation() -> MakeCredentialRequest {
    let rp = Rp { id: RpId::new("example.org").unwrap(), name: None };
    let id = UserHandle::new(b"alice").unwrap();
    let user = User { id, name: Some("alice".into()), display_name: None };
    let hash = ClientDataHash::new(HASH);
    let mut request = MakeCredentialRequest::new(hash, rp, user, vec![algorithm::ES256]);
    request.options.rk = Some(true);
    request.options.uv = Some(true);
    request
}

fn sign_in() -> GetAssertionRequest {
    let rp_id = RpId::new("example.org").unwrap();
    let mut request = GetAssertionRequest::new(rp_id, ClientDataHash::new(HASH));
    request.options.uv = Some(true);
    request
}

fn device() -> VirtualAuthenticator {
    Builder::fingerprint_key().seed(5).build().unwrap()
}

fn answers(fault: Fault) -> Answers {
    let make = |exclude: Option<&CredentialId>| {
        let mut request = creation();
        request.exclude_list =
            exclude.cloned().map(PublicKeyCredentialDescriptor::new).into_iter().collect();
        Request::MakeCredential(Box::new(request)).encode()
    };
    let sign = Request::GetAssertion(Box::new({
        let mut request = sign_in();
        if fault == Fault::IgnoresAllowList {
            let other = CredentialId::new(&[1; 32]).unwrap();
            request.allow_list = Some(vec![PublicKeyCredentialDescriptor::new(other)]);
        }
        request
    }))
    .encode();
    let made = [false, true].map(|broken| {
        let device = device();
        if fault == Fault::IgnoresExcludeList {
            assert_eq!(device.transact(&make(None))[0], 0);
        }
        if broken {
            device.faults().inject(fault);
        }
        let known = device.passkeys();
        device.transact(&make(known.first().map(|it| it.id())))
    });
    let [good, broken] = [device(), device()];
    for device in [&good, &broken] {
        if fault == Fault::AnotherAccount {
            device.faults().inject(fault).when(|_| true);
        }
        assert_eq!(device.transact(&make(None))[0], 0);
    }
    good.faults().clear();
    broken.faults().inject(fault);
    let mut signed = [good.transact(&sign), broken.transact(&sign)];
    // By chance a signature is as the fault wants it.
    while fault == Fault::HighS && signed[0] == signed[1] {
        signed = [good.transact(&sign), broken.transact(&sign)];
    }
    Answers { made, signed, broken }
}

fn has(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn made(answer: &[u8]) -> (MakeCredentialResponse, AuthenticatorData) {
    let answer = MakeCredentialResponse::decode(answer).unwrap();
    let data = AuthenticatorData::decode(&answer.auth_data).unwrap();
    (answer, data)
}

fn signed(answer: &[u8]) -> (GetAssertionResponse, AuthenticatorData) {
    let answer = GetAssertionResponse::decode(answer).unwrap();
    let data = AuthenticatorData::decode(&answer.auth_data).unwrap();
    (answer, data)
}

fn key(answer: &[u8]) -> CosePublicKey {
    made(answer).1.attested.unwrap().public_key
}

/// Whether these bytes are what comes of a fault that changes the encoding.
fn encoded(fault: Fault, good: &[u8], bad: &[u8]) -> Option<bool> {
    let end = good.len() - 1;
    Some(match fault {
        Fault::Status(status) => bad == [status.to_u8()],
        Fault::EmptyAnswer => bad.is_empty(),
        Fault::NoBody => bad == [0],
        Fault::TruncatedAnswer => bad == &good[..end],
        Fault::ExtendedAnswer => bad[..=end] == *good && bad.len() == good.len() + 1,
        Fault::NotCbor => bad[0] == 0 && bad[1] == b'{',
        Fault::ArrayAnswer => bad[1] >> 5 == 4 && bad[1] & 0x1f == good[1] & 0x1f,
        Fault::UnsortedAnswer => bad[1] == good[1] && bad.len() == good.len() && bad[2] > good[2],
        Fault::LongForm => bad[1..3] == [0xb8, good[1] & 0x1f] && bad[3..] == good[2..],
        Fault::IndefiniteLength => {
            bad[1] == 0xbf && bad[2..=end] == good[2..] && bad[end + 1] == 0xff
        }
        Fault::MemberTwice => {
            bad[1] == good[1] + 1 && bad[2] == good[2] && bad.ends_with(&good[2..])
        }
        Fault::HugeLength => has(bad, &[0x5a, 0xff, 0xff, 0xff, 0xff]),
        Fault::DeepNesting => has(bad, &[0x81; 1000]),
        Fault::UnknownMember => bad[1] == good[1] + 1 && has(bad, b"towline"),
        Fault::WronglyTyped => has(bad, b"\x02\x72authenticator data"),
        Fault::MissingAuthData => bad[1] == good[1] - 1 && !has(bad, b"\x02\x58"),
        Fault::MissingSignature => bad[1] == good[1] - 1 && has(bad, b"\x02\x58"),
        _ => return None,
    })
}

fn says(fault: Fault) -> bool {
    let Answers { made: [make, bad_make], signed: [sign, bad_sign], broken } = answers(fault);
    if let Some(holds) = encoded(fault, &sign, &bad_sign) {
        return holds && encoded(fault, &make, &bad_make) == Some(true);
    }
    let flag = |flag| {
        let lost = |good: AuthenticatorData, bad: AuthenticatorData| {
            good.flags.contains(flag) && !bad.flags.contains(flag)
        };
        lost(made(&make).1, made(&bad_make).1) && lost(signed(&sign).1, signed(&bad_sign).1)
    };
    match fault {
        Fault::IgnoresExcludeList => {
            make == [Status::CredentialExcluded.to_u8()] && made(&bad_make).1.attested.is_some()
        }
        Fault::IgnoresAllowList => {
            sign == [Status::NoCredentials.to_u8()] && signed(&bad_sign).0.credential.is_some()
        }
        Fault::IgnoresVerification => {
            let (good, bad) = (signed(&sign).1.flags, signed(&bad_sign).1.flags);
            good.contains(Flags::UV) && !bad.contains(Flags::UV)
        }
        Fault::UnaskedAlgorithm => {
            key(&make).algorithm() == Some(algorithm::ES256)
                && key(&bad_make).algorithm() == Some(algorithm::EDDSA)
        }
        Fault::AnotherAccount => {
            signed(&bad_sign).0.user.unwrap().id.as_bytes() == b"somebody else"
        }
        // Whoever waits for nothing else gives up.
        Fault::NoAnswer => bad_sign == [Status::Other.to_u8()],
        Fault::LateAnswer => {
            bad_sign == sign && broken.clock().elapsed() >= Duration::from_secs(660)
        }
        Fault::Disconnects => {
            let mut channel = broken;
            let request = Request::GetAssertion(Box::new(sign_in())).encode();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let answer = runtime.block_on(Channel::transact(&mut channel, request));
            matches!(answer, Err(ChannelError::Closed))
        }
        Fault::AnswersTwice => bad_sign == sign && broken.transact(&[0x04]) == sign,
        Fault::AnswerOfAnotherSite => {
            made(&make).1.rp_id_hash != made(&bad_make).1.rp_id_hash
                && signed(&sign).1.rp_id_hash != signed(&bad_sign).1.rp_id_hash
        }
        Fault::AnswerWithoutPresence => flag(Flags::UP),
        Fault::AnswerWithoutVerification => flag(Flags::UV),
        Fault::AnswerOfStranger => {
            signed(&bad_sign).0.credential.unwrap().id.as_bytes() == [0x66; 32]
        }
        Fault::AnswerForNobody => {
            signed(&sign).0.user.is_some() && signed(&bad_sign).0.user.is_none()
        }
        Fault::UnaskedOutput => {
            !has(&sign, b"minPinLength")
                && has(&signed(&bad_sign).0.auth_data, b"minPinLength")
                && has(&made(&bad_make).0.auth_data, b"minPinLength")
        }
        Fault::UnaskedAttestation => {
            let statement = made(&bad_make).0.attestation;
            made(&make).0.attestation != statement
                && matches!(statement, AttestationStatement::Packed(_))
        }
        Fault::OffCurveAnswer => !is_on_curve(&key(&bad_make)) && is_on_curve(&key(&make)),
        _ if fault.place() == FaultPlace::Signature => {
            signature(fault, &key(&make), &sign, &bad_sign)
        }
        _ => panic!("nothing is said of {fault}"),
    }
}

fn is_on_curve(key: &CosePublicKey) -> bool {
    let es256 = rustcrypto::provider().signature(algorithm::ES256).unwrap();
    let checked = es256.verify(&key.to_plain().unwrap(), b"", &[0x30, 6, 2, 1, 1, 2, 1, 1]);
    checked != Err(towline_crypto::Error::InvalidPublicKey)
}

/// Whether the signature is wrong, or right, as it is said.
fn signature(fault: Fault, key: &CosePublicKey, good: &[u8], bad: &[u8]) -> bool {
    let ((good, _), (bad, _)) = (signed(good), signed(bad));
    assert_eq!(good.auth_data, bad.auth_data);
    let es256 = rustcrypto::provider().signature(algorithm::ES256).unwrap();
    let message = [&good.auth_data[..], &HASH].concat();
    let verifies = |it: &GetAssertionResponse| {
        es256.verify(&key.to_plain().unwrap(), &message, &it.signature).is_ok()
    };
    assert!(verifies(&good));
    assert_eq!(verifies(&bad), fault == Fault::HighS, "{fault}");
    let (good, bad) = (good.signature, bad.signature);
    let r_length = usize::from(good[3]);
    match fault {
        Fault::SignatureOfAnotherKey => bad[0] == 0x30,
        Fault::HighS => {
            // The same r, and an s whose highest bit is set: no smaller s has it.
            bad[4..4 + r_length] == good[4..4 + r_length] && bad[5 + r_length..][..2] == [33, 0]
        }
        Fault::NotDer => bad.len() == 64 && good.ends_with(&bad[33..]),
        Fault::LongFormDer => bad[..2] == [0x30, 0x81] && bad[2..] == good[1..],
        Fault::PaddedDer => bad[3] == good[3] + 1 && bad[4] == 0 && bad.ends_with(&good[4..]),
        Fault::NegativeR => bad[3] == 32 && bad[4] >= 0x80,
        Fault::ZeroSignature => bad == [0x30, 6, 2, 1, 0, 2, 1, 0],
        Fault::TruncatedSignature => bad == good[..good.len() - 1],
        Fault::ExtendedSignature => bad == [&good[..], &[0]].concat(),
        Fault::EmptySignature => bad.is_empty(),
        _ => panic!("nothing is said of {fault}"),
    }
}

#[test]
fn faults_do_what_they_say_over_ctap() {
    let on_the_way = [FaultPlace::Request, FaultPlace::Answer, FaultPlace::Signature];
    for fault in Fault::ALL.iter().filter(|fault| on_the_way.contains(&fault.place())) {
        assert!(says(*fault), "{fault}");
    }
}
