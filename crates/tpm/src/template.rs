//! The objects that are made here, before they have a key: all but the parent never leave their
//! TPM and have keys that it made.

use crate::public::{Curve, Object, PublicArea, Scheme, attribute as a};

const OWN: u32 = a::FIXED_TPM | a::FIXED_PARENT | a::SENSITIVE_DATA_ORIGIN;

const fn ecc(curve: Curve, scheme: Option<Scheme>) -> Object {
    Object::Ecc { curve, scheme, x: Vec::new(), y: Vec::new() }
}

/// The parent of all keys: the storage primary of the TCG's template, which comes out the same
/// each time it is made in one hierarchy (TCG EK Credential Profile, template SRK-ECC).
#[must_use]
pub fn parent() -> PublicArea {
    let attributes = OWN | a::USER_WITH_AUTH | a::NO_DA | a::RESTRICTED | a::DECRYPT;
    let object = Object::Ecc { curve: Curve::P256, scheme: None, x: vec![0; 32], y: vec![0; 32] };
    PublicArea { attributes, policy: Vec::new(), object }
}

/// A key of a credential on a curve.
#[must_use]
pub fn credential_ecc(curve: Curve) -> PublicArea {
    PublicArea {
        attributes: OWN | a::USER_WITH_AUTH | a::NO_DA | a::SIGN,
        policy: Vec::new(),
        object: ecc(curve, Some(Scheme::Any)),
    }
}

/// A key of a credential by RSA with 2048 bits.
#[must_use]
pub fn credential_rsa() -> PublicArea {
    let object = Object::Rsa { bits: 2048, scheme: Some(Scheme::Any), n: Vec::new() };
    PublicArea { object, ..credential_ecc(Curve::P256) }
}

/// A key that attests to other keys: it signs nothing but what its TPM says.
#[must_use]
pub fn attestation_key() -> PublicArea {
    PublicArea {
        attributes: OWN | a::USER_WITH_AUTH | a::NO_DA | a::RESTRICTED | a::SIGN,
        policy: Vec::new(),
        object: ecc(Curve::P256, Some(Scheme::Sha256)),
    }
}

/// Data that is sealed. With a policy, nothing but the policy opens it.
#[must_use]
pub fn sealed(policy: Vec<u8>) -> PublicArea {
    let opens = if policy.is_empty() { a::USER_WITH_AUTH } else { 0 };
    let attributes = a::FIXED_TPM | a::FIXED_PARENT | a::NO_DA | opens;
    PublicArea { attributes, policy, object: Object::Sealed { unique: Vec::new() } }
}

/// The policy of endorsement keys: whoever has the authorisation of the endorsement hierarchy
/// (TCG EK Credential Profile §B.6.2, PolicyA).
pub const ENDORSEMENT_POLICY: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];

/// The policy of those of the high range: that one, or another that the TPM's owner can put into an
/// NV index (the same, PolicyB). It is not needed to use them: their authorisation value, which is
/// empty, is enough.
pub const ENDORSEMENT_POLICY_HIGH: [u8; 32] = [
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
    0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
];

const ENDORSEMENT: u32 = OWN | a::ADMIN_WITH_POLICY | a::RESTRICTED | a::DECRYPT;

/// The endorsement key by RSA with 2048 bits (TCG EK Credential Profile, template L-1).
#[must_use]
pub fn endorsement_rsa() -> PublicArea {
    let object = Object::Rsa { bits: 2048, scheme: None, n: vec![0; 256] };
    PublicArea { attributes: ENDORSEMENT, policy: ENDORSEMENT_POLICY.into(), object }
}

/// The endorsement key on P-256 (TCG EK Credential Profile, template L-2).
#[must_use]
pub fn endorsement_ecc() -> PublicArea {
    PublicArea { attributes: ENDORSEMENT, policy: ENDORSEMENT_POLICY.into(), ..parent() }
}

fn high(object: Object) -> PublicArea {
    let attributes = ENDORSEMENT | a::USER_WITH_AUTH;
    PublicArea { attributes, policy: ENDORSEMENT_POLICY_HIGH.into(), object }
}

/// The endorsement key by RSA with 2048 bits of the high range (TCG EK Credential Profile, template
/// H-1).
#[must_use]
pub fn endorsement_rsa_high() -> PublicArea {
    high(Object::Rsa { bits: 2048, scheme: None, n: Vec::new() })
}

/// The endorsement key on P-256 of the high range (TCG EK Credential Profile, template H-2).
#[must_use]
pub fn endorsement_ecc_high() -> PublicArea {
    high(ecc(Curve::P256, None))
}
