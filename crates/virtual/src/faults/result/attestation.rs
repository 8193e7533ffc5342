//! Attestation objects (WebAuthn L3 §6.5.4) that are not as they must be.

use towline_ctap::{CosePublicKey, algorithm};

use super::{AuthData, Fault, Outcome, World, cbor, key};

pub(super) fn bend(fault: Fault, world: &World, it: &mut Outcome<'_>) -> Option<()> {
    let mut statement = cbor::Map(Vec::new());
    let format = match fault {
        Fault::UnknownAttestationFormat => "towline-unknown",
        Fault::NoneWithStatement => {
            statement.set("sig", cbor::bytes(&[0x66; 70]));
            "none"
        }
        Fault::SelfAttestationOfAnother => {
            let attested = AuthData::read(&it.auth_data)?.attested?;
            let its = CosePublicKey::decode(&attested.key).ok()?.algorithm();
            let its = its.unwrap_or(algorithm::ES256);
            let hash = world.provider.sha256.hash(&[&it.client_data]);
            let stranger = key::stranger(&world.provider, its)?;
            statement.set("alg", cbor::int(its));
            statement.set("sig", cbor::bytes(&stranger.sign(&[&it.auth_data, &hash]).ok()?));
            "packed"
        }
        Fault::MissingAttestation => {
            it.object.take()?;
            it.response()?.remove("attestationObject")?;
            return Some(());
        }
        _ => return None,
    };
    let object = it.object.as_mut()?;
    object.set("fmt", cbor::text(format));
    object.set("attStmt", statement.write());
    Some(())
}
