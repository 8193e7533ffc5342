//! What a site gets: past an honest client, and signed anew, so that nothing but the fault itself
//! is wrong.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use towline_ctap::CredentialId;

use super::{
    Fault, SOMEBODY, World,
    auth_data::{AT, AuthData, BE, BS, ED, RESERVED_1, RESERVED_2, UP, UV},
    cbor, key,
};
use crate::Hand;

mod attestation;
mod client_data;

/// Whether this is what comes of a registration.
pub(super) fn registers(json: &[u8]) -> bool {
    serde_json::from_slice::<Value>(json)
        .is_ok_and(|value| value.pointer("/response/attestationObject").is_some())
}

/// RegistrationResponseJSON or AuthenticationResponseJSON, in parts.
struct Outcome<'a> {
    value: Value,
    client_data: Vec<u8>,
    auth_data: Vec<u8>,
    /// What comes of a registration.
    object: Option<cbor::Map>,
    /// Whose key signs.
    signer: CredentialId,
    hand: &'a dyn Hand,
}

pub(super) fn bend(fault: Fault, world: &World, hand: &dyn Hand, json: &mut String) {
    if let Some(bent) = bent(fault, world, hand, json) {
        *json = bent;
    }
}

fn bent(fault: Fault, world: &World, hand: &dyn Hand, json: &str) -> Option<String> {
    let mut it = Outcome::read(hand, json)?;
    let client_data = client_data::bent(fault, it.object.is_some(), &it.client_data);
    let auth_data = auth_data(fault, world, &it);
    if client_data.is_some() || auth_data.is_some() {
        it.client_data = client_data.unwrap_or(it.client_data);
        it.auth_data = auth_data.unwrap_or(it.auth_data);
        it.sign(world)?;
    } else {
        match fault {
            Fault::SignatureOverAnotherHash => {
                let other = world.provider.sha256.hash(&[b"something else"]);
                it.put_signature(&[&it.auth_data.clone(), &other])?;
            }
            Fault::SignatureOverClientDataAlone => {
                let hash = world.provider.sha256.hash(&[&it.client_data]);
                it.put_signature(&[&hash])?;
            }
            _ => attestation::bend(fault, world, &mut it).or_else(|| it.bend(fault, world))?,
        }
    }
    Some(it.write())
}

/// Authenticator data that say something else.
fn auth_data(fault: Fault, world: &World, it: &Outcome<'_>) -> Option<Vec<u8>> {
    let mut data = AuthData::read(&it.auth_data)?;
    let creates = it.object.is_some();
    let counts_on = |data: &AuthData| !creates && data.count > 1;
    match fault {
        Fault::WrongRpIdHash => {
            data.rp_id_hash = world.provider.sha256.hash(&[b"attacker.example"]).to_vec();
        }
        Fault::FlipUp => data.flags ^= UP,
        Fault::FlipUv => data.flags ^= UV,
        Fault::FlipBe => data.flags ^= BE,
        Fault::FlipBs => data.flags ^= BS,
        Fault::FlipAt => data.flags ^= AT,
        Fault::FlipEd => data.flags ^= ED,
        Fault::FlipReserved1 => data.flags ^= RESERVED_1,
        Fault::FlipReserved2 => data.flags ^= RESERVED_2,
        Fault::BackedUpWithoutEligibility => data.flags = (data.flags & !BE) | BS,
        Fault::SignedUnaskedOutput => data.add_output(),
        // After a zero every number is right, a zero too (WebAuthn L3 section 7.2, step 22).
        Fault::CounterGoesBack if counts_on(&data) => data.count = data.count.saturating_sub(2),
        Fault::CounterStandsStill if counts_on(&data) => data.count = data.count.saturating_sub(1),
        Fault::CounterLost if counts_on(&data) => data.count = 0,
        Fault::CounterLeaps if !creates => data.count = u32::MAX,
        Fault::TruncatedAuthData => {
            let all = it.auth_data.len().checked_sub(1)?;
            return it.auth_data.get(..all).map(<[u8]>::to_vec);
        }
        Fault::ExtendedAuthData => return Some([&it.auth_data[..], &[0]].concat()),
        _ => {
            let attested = data.attested.as_mut()?;
            match fault {
                Fault::IdTooLong => attested.id.resize(1024, 0x66),
                Fault::EmptyId => attested.id.clear(),
                Fault::IdTwice => attested.id = it.another_id(world)?,
                _ => key::bend(fault, &world.provider, &mut attested.key),
            }
        }
    }
    let bent = data.write();
    (bent != it.auth_data).then_some(bent)
}

impl<'a> Outcome<'a> {
    fn read(hand: &'a dyn Hand, json: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        let response = value.get("response")?;
        let client_data = bytes(response.get("clientDataJSON")?)?;
        let object = match response.get("attestationObject") {
            Some(object) => Some(cbor::Map::read(&bytes(object)?)?),
            None => None,
        };
        let auth_data = match &object {
            Some(object) => object.bytes("authData")?,
            None => bytes(response.get("authenticatorData")?)?,
        };
        let signer = CredentialId::new(&bytes(value.get("rawId")?)?).ok()?;
        Some(Self { value, client_data, auth_data, object, signer, hand })
    }

    /// Puts everything into its members, and signs it where it was signed.
    fn sign(&mut self, world: &World) -> Option<()> {
        let hash = world.provider.sha256.hash(&[&self.client_data]);
        let signed = [&self.auth_data[..], &hash];
        let signature = self.hand.sign(&self.signer, &signed);
        let data = AuthData::read(&self.auth_data);
        self.put("clientDataJSON", base64url(&self.client_data));
        self.put("authenticatorData", base64url(&self.auth_data));
        let Some(object) = &mut self.object else {
            self.put("signature", base64url(&signature?));
            return Some(());
        };
        object.set("authData", cbor::bytes(&self.auth_data));
        if let Some(mut statement) = object.get("attStmt").and_then(cbor::Map::read)
            && statement.has("sig")
            && !statement.has("x5c")
        {
            statement.set("sig", cbor::bytes(&signature?));
            object.set("attStmt", statement.write());
        }
        if let Some(attested) = data.and_then(|data| data.attested) {
            self.put_id(&attested.id);
        }
        Some(())
    }

    fn put_signature(&mut self, signed: &[&[u8]]) -> Option<()> {
        if self.object.is_some() {
            return None;
        }
        let signature = self.hand.sign(&self.signer, signed)?;
        self.put("signature", base64url(&signature));
        Some(())
    }

    /// What stands beside the parts that are signed.
    fn bend(&mut self, fault: Fault, world: &World) -> Option<()> {
        let creates = self.object.is_some();
        match fault {
            Fault::IdTooLong => self.put_id(&[0x66; 1024]),
            Fault::EmptyId => self.put_id(&[]),
            Fault::IdOfAnother if !creates => self.put_id(&self.another_id(world)?),
            Fault::IdsDiffer => *self.value.get_mut("id")? = base64url(&[0x66; 32]).into(),
            Fault::IdNotAttested if creates => self.put_id(&[0x66; 32]),
            Fault::MissingUserHandle if !creates => {
                self.response()?.remove("userHandle")?;
            }
            Fault::ForeignUserHandle if !creates => self.put("userHandle", base64url(SOMEBODY)),
            Fault::EmptyUserHandle if !creates => self.put("userHandle", String::new()),
            Fault::LongUserHandle if !creates => self.put("userHandle", base64url(&[0x66; 65])),
            Fault::WrongCredentialType => *self.value.get_mut("type")? = "password".into(),
            Fault::PaddedBase64 => {
                for member in self.response()?.values_mut() {
                    if let Value::String(text) = member {
                        let missing = text.len().wrapping_neg() % 4;
                        text.push_str("=".get(..missing.min(1))?);
                        text.push_str("=".get(..missing.saturating_sub(1).min(1))?);
                    }
                }
            }
            Fault::UnknownTransport if creates => {
                self.response()?.insert("transports".into(), json!(["pigeon"]));
            }
            Fault::UnaskedClientOutput => {
                let outputs = self.value.get_mut("clientExtensionResults")?;
                outputs.as_object_mut()?.insert("appid".into(), true.into());
            }
            Fault::PrfChanges => {
                let first = self.value.pointer_mut("/clientExtensionResults/prf/results/first")?;
                let mut output = bytes(first)?;
                output.reverse();
                *first = base64url(&output).into();
            }
            Fault::PrfMissing => {
                let outputs = self.value.get_mut("clientExtensionResults")?;
                outputs.as_object_mut()?.remove("prf")?;
            }
            _ => return None,
        }
        Some(())
    }

    /// The id of another passkey of the authenticator, the oldest.
    fn another_id(&self, world: &World) -> Option<Vec<u8>> {
        let passkeys = world.passkeys.passkeys();
        let other = passkeys.iter().find(|it| *it.id() != self.signer)?;
        Some(other.id().as_bytes().to_vec())
    }

    fn put_id(&mut self, id: &[u8]) {
        for name in ["id", "rawId"] {
            if let Some(member) = self.value.get_mut(name) {
                *member = base64url(id).into();
            }
        }
    }

    fn put(&mut self, name: &str, value: String) {
        if let Some(response) = self.response() {
            response.insert(name.into(), value.into());
        }
    }

    fn response(&mut self) -> Option<&mut serde_json::Map<String, Value>> {
        self.value.get_mut("response")?.as_object_mut()
    }

    fn write(mut self) -> String {
        if let Some(object) = self.object.take()
            && let Some(response) = self.response()
            && let Some(member) = response.get_mut("attestationObject")
            && member.is_string()
            && bytes(member).is_some_and(|old| old != object.write())
        {
            *member = base64url(&object.write()).into();
        }
        self.value.to_string()
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &Value) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_str()?).ok()
}
