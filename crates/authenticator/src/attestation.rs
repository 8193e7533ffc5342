//! Which attestation is made, and who makes it (CTAP 2.3 §6.1.2 step 19; WebAuthn L3 §6.5.3, §8.2).

use towline_ctap::{
    AttestationStatement, AuthenticatorData, ClientDataHash, FidoU2fAttestation,
    MakeCredentialRequest, PackedAttestation, algorithm,
};

use crate::{AttestationFormat, Config, KeyError, KeyHandle, Work, flow::Core};

/// The attestation of one creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attestation {
    /// One that every relying party can have.
    Ordinary(AttestationFormat),
    /// Enterprise attestation, in format `packed`.
    Enterprise,
}

/// What an attestation tells the relying party of where the credential lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    Nothing,
    Model,
    Device,
}

impl Attestation {
    pub(crate) const fn tells(self) -> Tells {
        match self {
            Self::Enterprise | Self::Ordinary(AttestationFormat::OfKeyStore(_)) => Tells::Device,
            Self::Ordinary(format) if format.tells_the_model() => Tells::Model,
            Self::Ordinary(_) => Tells::Nothing,
        }
    }
}

/// The first format of the client's preference that is supported, or our own first; enterprise
/// attestation, where it is granted, unless the client would rather have none.
pub(crate) fn choose(
    config: &Config,
    request: &MakeCredentialRequest,
    algorithm: i64,
    enterprise: bool,
) -> Attestation {
    let preference = &request.attestation_formats_preference;
    let none = Attestation::Ordinary(AttestationFormat::None);
    // That is not one format among others: nobody wants a statement (CTAP 2.3 §6.1.2 step 19).
    if matches!(&preference[..], [only] if only == AttestationFormat::None.identifier()) {
        return none;
    }
    let fits = |format: &AttestationFormat| !format.is_fido_u2f() || algorithm == algorithm::ES256;
    let mut supported = config.attestation.formats.iter().copied().filter(fits);
    let named = |name: &String| {
        if enterprise && name == AttestationFormat::PackedBasic.identifier() {
            return Some(Attestation::Enterprise);
        }
        let format = supported.clone().find(|format| format.identifier() == name.as_str());
        format.map(Attestation::Ordinary)
    };
    match preference.iter().find_map(named) {
        Some(preferred) if preferred == none => none,
        _ if enterprise => Attestation::Enterprise,
        Some(preferred) => preferred,
        None => supported.next().map_or(none, Attestation::Ordinary),
    }
}

/// Makes the statement about `data`, whose encoding is `auth_data`; `None` for a creation without
/// one.
pub(crate) fn make(
    core: &mut Core,
    attestation: Attestation,
    credential: &KeyHandle,
    data: &AuthenticatorData,
    auth_data: &[u8],
    client_data_hash: &ClientDataHash,
) -> Option<Work<AttestationStatement, KeyError>> {
    let message = [auth_data, client_data_hash.as_bytes()];
    let batch = core.config.attestation.batch.as_ref();
    let (signer, x5c) = match attestation {
        Attestation::Ordinary(AttestationFormat::None) => return None,
        Attestation::Ordinary(AttestationFormat::PackedSelf) => (credential.clone(), None),
        Attestation::Ordinary(AttestationFormat::PackedBasic) => {
            batch.map(|batch| (batch.key.clone(), Some(batch.certificates.clone())))?
        }
        Attestation::Ordinary(AttestationFormat::FidoU2f) => {
            let attested = data.attested.as_ref()?;
            let message = FidoU2fAttestation::signed_message(
                &data.rp_id_hash,
                client_data_hash,
                &attested.credential_id,
                &attested.public_key,
            )?;
            let batch = batch?;
            let certificate = batch.certificates.first()?.clone();
            let work = core.keys.sign(&batch.key, &[&message]);
            return Some(work.map(|sig| {
                AttestationStatement::FidoU2f(FidoU2fAttestation { certificate, sig })
            }));
        }
        Attestation::Ordinary(AttestationFormat::OfKeyStore(format)) => {
            return Some(core.keys.attest(credential, format, auth_data, client_data_hash));
        }
        Attestation::Enterprise => {
            let enterprise = core.config.attestation.enterprise.clone()?;
            (enterprise.key, Some(enterprise.certificates))
        }
    };
    let alg = signer.algorithm();
    let work = core.keys.sign(&signer, &message);
    Some(work.map(move |sig| AttestationStatement::Packed(PackedAttestation { alg, sig, x5c })))
}
