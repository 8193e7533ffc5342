//! What faults of results do, seen by a site: the same ceremony twice, with a fault and without.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_crypto::rustcrypto;
use towline_ctap::{AuthenticatorData, CosePublicKey, algorithm};
use towline_virtual::{Builder, Fault, FaultPlace, Passkey, PrivateKey, VirtualAuthenticator};

use crate::options::{ORIGIN, bytes, create_with, get_with, list};

/// RegistrationResponseJSON or AuthenticationResponseJSON.
struct Response(Value);

impl Response {
    fn member(&self, name: &str) -> Vec<u8> {
        bytes(self.0["response"][name].as_str().unwrap().trim_end_matches('='))
    }

    fn client_data(&self, name: &str) -> Value {
        let data: Value = serde_json::from_slice(&self.member("clientDataJSON")).unwrap();
        data[name].clone()
    }

    fn origin(&self) -> String {
        self.client_data("origin").as_str().unwrap().to_owned()
    }

    fn auth_data(&self) -> Vec<u8> {
        self.member("authenticatorData")
    }

    fn flags(&self) -> u8 {
        self.auth_data()[32]
    }

    fn count(&self) -> u32 {
        u32::from_be_bytes(self.auth_data()[33..37].try_into().unwrap())
    }

    /// The length that authenticator data give to the credential ID, and what follows it.
    fn id_and_key(&self) -> (Vec<u8>, Vec<u8>) {
        let data = self.auth_data();
        let length = usize::from(u16::from_be_bytes(data[53..55].try_into().unwrap()));
        (data[55..55 + length].to_vec(), data[55 + length..].to_vec())
    }

    fn key(&self) -> CosePublicKey {
        CosePublicKey::decode(&self.id_and_key().1).unwrap()
    }

    fn raw_id(&self) -> Vec<u8> {
        bytes(self.0["rawId"].as_str().unwrap())
    }

    fn signs(&self) -> bool {
        self.0["response"].get("signature").is_some()
    }

    fn object(&self) -> Vec<u8> {
        self.member("attestationObject")
    }

    fn prf(&self) -> Option<&Value> {
        self.0["clientExtensionResults"].get("prf")
    }
}

/// Alice's passkey, and the other one of the authenticator.
struct Pair {
    device: VirtualAuthenticator,
    alice: Passkey,
    other: Passkey,
}

fn pair(fault: Fault) -> Pair {
    let device = match fault {
        Fault::PrfChanges | Fault::PrfMissing => Builder::phone(),
        _ => Builder::fingerprint_key(),
    };
    let device = device.seed(3).build().unwrap();
    let passkey = |scalar: u8, handle: &[u8]| {
        let key = PrivateKey::es256(&[scalar; 32]);
        Passkey::new("example.org", handle, key).unwrap().counting(7)
    };
    let (alice, other) = (passkey(7, b"alice"), passkey(9, b"other"));
    device.add(other.clone()).unwrap();
    device.add(alice.clone()).unwrap();
    Pair { device, alice, other }
}

const PRF: &str = r#", "extensions": {"prf": {"eval": {"first": "AAAA"}}}"#;

/// What of it a ceremony asks for.
const fn wanted(fault: Fault) -> &'static str {
    match fault {
        Fault::PrfChanges | Fault::PrfMissing => PRF,
        _ => "",
    }
}

/// The registration of a new passkey, without the fault and with it.
fn made(fault: Fault) -> Option<[Response; 2]> {
    let [(good, _), (bad, count)] = [false, true].map(|broken| {
        let Pair { device, .. } = pair(fault);
        let injected = broken.then(|| device.faults().inject(fault));
        let json = device.create(ORIGIN, &create_with("bob", wanted(fault))).unwrap();
        (Response(serde_json::from_str(&json).unwrap()), injected.map_or(0, |it| it.count()))
    });
    (count > 0).then_some([good, bad])
}

/// Alice's sign-in, without the fault and with it.
fn signed(fault: Fault) -> Option<[Response; 2]> {
    let [(good, _), (bad, count)] = [false, true].map(|broken| {
        let Pair { device, alice, .. } = pair(fault);
        let injected = broken.then(|| device.faults().inject(fault));
        let options = get_with(&[&list("allowCredentials", alice.id()), wanted(fault)].concat());
        let json = device.get(ORIGIN, &options).unwrap();
        (Response(serde_json::from_str(&json).unwrap()), injected.map_or(0, |it| it.count()))
    });
    (count > 0).then_some([good, bad])
}

/// Whether Alice's key has signed what is in the response.
fn verifies(response: &Response) -> bool {
    let provider = rustcrypto::provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let key = es256.load(&[7; 32]).unwrap();
    let hash = provider.sha256.hash(&[&response.member("clientDataJSON")]);
    let message = [&response.auth_data()[..], &hash].concat();
    es256.verify(key.public_key(), &message, &response.member("signature")).is_ok()
}

fn has(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// Of faults that may come in either.
fn either(fault: Fault, good: &Response, bad: &Response) -> Option<bool> {
    let flips = |bit: u8| good.flags() ^ bad.flags() == bit;
    let (data, bad_data) = (good.auth_data(), bad.auth_data());
    Some(match fault {
        Fault::WrongType => {
            let other = if bad.signs() { "webauthn.create" } else { "webauthn.get" };
            bad.client_data("type") == other
        }
        Fault::WrongChallenge => {
            let bytes = |response: &Response| {
                let challenge = response.client_data("challenge");
                URL_SAFE_NO_PAD.decode(challenge.as_str().unwrap()).unwrap()
            };
            bytes(bad).len() == bytes(good).len() && bytes(bad) != bytes(good)
        }
        Fault::PaddedChallenge => {
            let challenge = bad.client_data("challenge");
            let challenge = challenge.as_str().unwrap();
            challenge.ends_with('=')
                && challenge.len().is_multiple_of(4)
                && good.client_data("challenge") == challenge.trim_end_matches('=')
        }
        Fault::WrongOrigin => bad.origin() == "https://attacker.example",
        Fault::InsecureOrigin => bad.origin() == "http://example.org",
        Fault::OriginWithPort => bad.origin() == "https://example.org:8443",
        Fault::OriginOfSubdomain => bad.origin() == "https://www.example.org",
        Fault::CrossOrigin => {
            good.client_data("crossOrigin") == false && bad.client_data("crossOrigin") == true
        }
        Fault::TopOrigin => {
            good.client_data("topOrigin").is_null()
                && bad.client_data("topOrigin") == "https://attacker.example"
        }
        Fault::MissingChallenge => {
            bad.client_data("challenge").is_null() && bad.origin() == good.origin()
        }
        Fault::ClientDataNotJson => {
            serde_json::from_slice::<Value>(&bad.member("clientDataJSON")).is_err()
        }
        Fault::UnknownClientData => {
            bad.client_data("other_keys_can_be_added_here").is_string()
                && bad.origin() == good.origin()
        }
        Fault::WrongRpIdHash => data[..32] != bad_data[..32] && data[32..] == bad_data[32..],
        Fault::FlipUp => flips(0x01),
        Fault::FlipReserved1 => flips(0x02),
        Fault::FlipUv => flips(0x04),
        Fault::FlipBe => flips(0x08),
        Fault::FlipBs => flips(0x10),
        Fault::FlipReserved2 => flips(0x20),
        Fault::FlipAt => flips(0x40),
        Fault::FlipEd => flips(0x80),
        Fault::BackedUpWithoutEligibility => bad.flags() & 0x18 == 0x10,
        Fault::TruncatedAuthData => bad_data == data[..data.len() - 1],
        Fault::ExtendedAuthData => bad_data == [&data[..], &[0]].concat(),
        Fault::SignedUnaskedOutput => {
            let extensions = |data: &[u8]| AuthenticatorData::decode(data).unwrap().extensions;
            extensions(&data) != extensions(&bad_data) && has(&bad_data, b"minPinLength")
        }
        Fault::UnaskedClientOutput => bad.0["clientExtensionResults"]["appid"] == true,
        Fault::IdTooLong => bad.raw_id().len() == 1024 && bad.0["id"] == bad.0["rawId"],
        Fault::EmptyId => bad.0["id"] == "" && bad.0["rawId"] == "",
        Fault::IdsDiffer => bad.0["id"] != bad.0["rawId"] && bad.0["rawId"] == good.0["rawId"],
        Fault::WrongCredentialType => bad.0["type"] == "password",
        Fault::PaddedBase64 => {
            let both =
                [good, bad].map(|it| it.0["response"]["authenticatorData"].as_str().unwrap());
            let [plain, padded] = both;
            padded.len() % 4 == 0 && padded != plain && padded.trim_end_matches('=') == plain
        }
        Fault::PrfChanges => {
            let both =
                [good, bad].map(|it| it.prf().unwrap()["results"]["first"].as_str().unwrap());
            both[0] != both[1] && both.iter().all(|it| bytes(it).len() == 32)
        }
        Fault::PrfMissing => good.prf().is_some() && bad.prf().is_none(),
        _ => return None,
    })
}

fn of_creation(fault: Fault, good: &Response, bad: &Response) -> bool {
    let (kept, new) = (good.key(), bad.id_and_key().1);
    match fault {
        Fault::IdTwice => {
            let other = pair(fault).other;
            bad.raw_id() == other.id().as_bytes() && bad.id_and_key().0 == bad.raw_id()
        }
        Fault::IdNotAttested => {
            bad.raw_id() != bad.id_and_key().0 && bad.id_and_key() == good.id_and_key()
        }
        Fault::KeyOfAnother => bad.key() != kept && bad.key().algorithm() == kept.algorithm(),
        Fault::KeyOffCurve => {
            let es256 = rustcrypto::provider().signature(algorithm::ES256).unwrap();
            let plain = bad.key().to_plain().unwrap();
            plain[..64] == kept.to_plain().unwrap()[..64]
                && es256.verify(&plain, b"", &[0x30, 6, 2, 1, 1, 2, 1, 1])
                    == Err(towline_crypto::Error::InvalidPublicKey)
        }
        // ES256, and the curve P-384 with coordinates of its length.
        Fault::KeyOfAnotherCurve => has(&new, &[0x03, 0x26, 0x20, 0x02, 0x21, 0x58, 48]),
        Fault::KeyOfAnotherAlgorithm => has(&new, &[0x03, 0x39, 0x01, 0x00]),
        Fault::KeyWithoutAlgorithm => !has(&new, &[0x03, 0x26]) && new[0] == 0xa4,
        Fault::KeyCompressed => new.ends_with(&[0x22, 0xf4]) || new.ends_with(&[0x22, 0xf5]),
        Fault::KeyWithPrivatePart => new[0] == 0xa6 && has(&new, &[0x23, 0x58, 32, 0x66]),
        Fault::UnknownAttestationFormat => has(&bad.object(), b"\x63fmt\x6ftowline-unknown"),
        Fault::NoneWithStatement => has(&bad.object(), b"\x63fmt\x64none\x67attStmt\xa1\x63sig"),
        Fault::SelfAttestationOfAnother => {
            has(&bad.object(), b"\x63fmt\x66packed") && has(&bad.object(), b"\x63sig\x58")
        }
        Fault::MissingAttestation => bad.0["response"].get("attestationObject").is_none(),
        Fault::UnknownTransport => bad.0["response"]["transports"] == serde_json::json!(["pigeon"]),
        _ => panic!("nothing is said of {fault}"),
    }
}

fn of_sign_in(fault: Fault, good: &Response, bad: &Response) -> bool {
    let handle = |it: &Response| it.0["response"]["userHandle"].clone();
    let is = |text: &Value, handle: &[u8]| bytes(text.as_str().unwrap()) == handle;
    assert!(is(&handle(good), b"alice"));
    match fault {
        Fault::CounterGoesBack => bad.count() == good.count() - 2,
        Fault::CounterStandsStill => bad.count() == good.count() - 1,
        Fault::CounterLost => bad.count() == 0,
        Fault::CounterLeaps => bad.count() == u32::MAX,
        Fault::SignatureOverAnotherHash | Fault::SignatureOverClientDataAlone => {
            good.auth_data() == bad.auth_data() && !verifies(bad)
        }
        Fault::IdOfAnother => bad.raw_id() == pair(fault).other.id().as_bytes(),
        Fault::MissingUserHandle => handle(bad).is_null(),
        Fault::ForeignUserHandle => is(&handle(bad), b"somebody else"),
        Fault::EmptyUserHandle => handle(bad) == "",
        Fault::LongUserHandle => is(&handle(bad), &[0x66; 65]),
        _ => panic!("nothing is said of {fault}"),
    }
}

#[test]
fn faults_do_what_they_say_to_a_site() {
    for fault in Fault::ALL.iter().copied().filter(|fault| fault.place() == FaultPlace::Result) {
        let (made, signed) = (made(fault), signed(fault));
        assert!(made.is_some() || signed.is_some(), "{fault} never comes");
        if let Some([good, bad]) = made {
            let holds = either(fault, &good, &bad);
            assert!(holds.unwrap_or_else(|| of_creation(fault, &good, &bad)), "{fault}");
        }
        if let Some([good, bad]) = signed {
            assert!(verifies(&good));
            let wrongly = [Fault::SignatureOverAnotherHash, Fault::SignatureOverClientDataAlone];
            assert!(wrongly.contains(&fault) || verifies(&bad), "{fault} is signed");
            let holds = either(fault, &good, &bad);
            assert!(holds.unwrap_or_else(|| of_sign_in(fault, &good, &bad)), "{fault}");
        }
    }
}
