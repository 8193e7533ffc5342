//! `towline keys set-pin`: by the messages that a platform sends, so that the authenticator's own rules hold.

use std::path::Path;

use icu_normalizer::ComposingNormalizerBorrowed;
use towline::crypto::CryptoProvider;
use towline_ctap::{
    ClientPinRequest, ClientPinResponse, KeyAgreementKey, Request, ResponseError, Status,
};
use zeroize::Zeroizing;

use super::platform::{Platform, failed};
use crate::{
    event::{Action, Event},
    exit::{Exit, Failure},
    report::Report,
    secret,
};

/// The PIN/UV auth protocol that is spoken: the newer of the two.
const PROTOCOL: u64 = 2;
/// A PIN is padded to so many bytes (CTAP 2.3 section 6.5.5.5).
const PADDED: usize = 64;

pub(crate) fn set(
    mut key: Platform,
    present: Option<&Path>,
    new: Option<&Path>,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<Exit, Failure> {
    let there = key.get_info()?.options.client_pin == Some(true);
    let present = if there { Some(composed(&secret::read(present, "PIN")?)) } else { None };
    let new = composed(&secret::read_new(new, "PIN")?);
    let shared = Shared::agree(&mut key, provider)?;
    let new_pin_enc = shared.encrypt(&padded(&new)?)?;
    let request = match present {
        None => ClientPinRequest::SetPin {
            protocol: PROTOCOL,
            key_agreement: shared.key,
            param: shared.mac(&[&new_pin_enc]),
            new_pin_enc,
        },
        Some(present) => {
            let hash = Zeroizing::new(provider.sha256.hash(&[present.as_bytes()]));
            let pin_hash_enc = shared.encrypt(hash.get(..16).unwrap_or_default())?;
            ClientPinRequest::ChangePin {
                protocol: PROTOCOL,
                key_agreement: shared.key,
                param: shared.mac(&[&new_pin_enc, &pin_hash_enc]),
                new_pin_enc,
                pin_hash_enc,
            }
        }
    };
    ask(&mut key, request)?;
    let event =
        Event::Passkey { action: Action::PinChanged, rp_id: None, account: None, simulated: false };
    report.event(&event);
    Ok(Exit::Ok)
}

/// A PIN is in Normalization Form C (CTAP 2.3 section 6.5.1), so that it is the same from every keyboard.
fn composed(typed: &str) -> Zeroizing<String> {
    let normalizer = ComposingNormalizerBorrowed::new_nfc();
    // Room enough that nothing is moved, and left behind, while it grows.
    let mut pin = Zeroizing::new(String::with_capacity(typed.len().saturating_mul(3)));
    pin.extend(normalizer.normalize_iter(typed.chars()));
    pin
}

fn padded(pin: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if pin.len() >= PADDED {
        return Err(Failure::usage("pin", "a PIN has at most 63 bytes"));
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(PADDED));
    padded.extend_from_slice(pin.as_bytes());
    padded.resize(PADDED, 0);
    Ok(padded)
}

/// What the two have agreed on.
struct Shared<'a> {
    key: KeyAgreementKey,
    aes: Zeroizing<[u8; 32]>,
    mac: Zeroizing<[u8; 32]>,
    provider: &'a CryptoProvider,
}

impl<'a> Shared<'a> {
    fn agree(key: &mut Platform, provider: &'a CryptoProvider) -> Result<Self, Failure> {
        let request = ClientPinRequest::GetKeyAgreement { protocol: PROTOCOL };
        let theirs = ask(key, request)?.key_agreement;
        let theirs = theirs.ok_or_else(|| failed("it gave no key"))?;
        let own = provider.ecdh.generate(&*provider.random).map_err(failed)?;
        let theirs = provider.ecdh.public_key(&theirs.point()).map_err(failed)?;
        let z = own.agree(&theirs).map_err(failed)?;
        let derive = |info: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            provider.hkdf.derive(&[0; 32], z.expose(), info, &mut *key).map_err(failed)?;
            Ok::<_, Failure>(key)
        };
        let (aes, mac) = (derive(b"CTAP2 AES key")?, derive(b"CTAP2 HMAC key")?);
        Ok(Self { key: own.public_key().into(), aes, mac, provider })
    }

    fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let iv: [u8; 16] = self.provider.random.bytes().map_err(failed)?;
        let mut data = plain.to_vec();
        self.provider.aes256_cbc.encrypt(&self.aes, &iv, &mut data).map_err(failed)?;
        Ok([&iv[..], &data].concat())
    }

    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.provider.hmac.key(&*self.mac).sign(parts).to_vec()
    }
}

fn ask(key: &mut Platform, request: ClientPinRequest) -> Result<ClientPinResponse, Failure> {
    answer(&key.request(&Request::from(request).encode())?)
}

fn answer(bytes: &[u8]) -> Result<ClientPinResponse, Failure> {
    let refused = |message: &str| Err(Failure::new(Exit::Refused, "pin", message));
    match ClientPinResponse::decode(bytes) {
        Err(ResponseError::Status(Status::PinInvalid)) => refused("that is not the present PIN"),
        Err(ResponseError::Status(Status::PinAuthBlocked)) => {
            refused("three wrong PINs in a row: try again when you are sure")
        }
        Err(ResponseError::Status(Status::PinBlocked)) => refused(
            "too many wrong PINs: only `towline keys reset` helps, and it deletes all passkeys",
        ),
        Err(ResponseError::Status(Status::PinPolicyViolation)) => refused(
            "this PIN is not accepted: it has at least 4 characters, or as many as were set, at most 63 bytes, and no simple pattern",
        ),
        answered => answered.map_err(failed),
    }
}
