//! Which attestation is made, and who makes it (CTAP 2.3 §6.1.2 step 19; WebAuthn L3 §6.5.3, §8.2).

use towline_ctap::{
    Aaguid, AttestationStatement, AuthenticatorData, ClientDataHash, FidoU2fAttestation,
    MakeCredentialRequest, PackedAttestation, algorithm,
};

use crate::{
    AttestationFormat, BatchAttestation, Config, ConfigError, KeyError, KeyHandle, Work, flow::Core,
};

/// The object identifier 1.3.6.1.4.1.45724.1.1.4 in DER: the extension that holds the AAGUID
/// (WebAuthn L3 §8.2.1).
const MODEL: [u8; 13] =
    [0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04];

/// How the value of that extension begins: an octet string of 16 bytes in the octet string of the
/// extension.
const SIXTEEN_BYTES: [u8; 4] = [0x04, 18, 0x04, 16];

impl BatchAttestation {
    /// The AAGUID that the first certificate is for; `None` if it names none, and so is for a
    /// single model.
    #[must_use]
    pub fn aaguid(&self) -> Option<Aaguid> {
        let leaf = self.certificates.first()?;
        let at = leaf.windows(MODEL.len()).position(|part| part == MODEL)?;
        let (_, extension) = leaf.split_at_checked(at)?;
        // Only whether it is critical may stand between.
        let value = extension.get(MODEL.len()..)?;
        let value = value.strip_prefix(&[0x01, 1, 0xff]).unwrap_or(value);
        let value = value.strip_prefix(&SIXTEEN_BYTES)?.first_chunk::<16>()?;
        Some(Aaguid::new(*value))
    }

    /// Sites refuse a certificate of another model.
    pub(crate) fn check(&self, aaguid: Aaguid) -> Result<(), ConfigError> {
        if self.aaguid().is_none_or(|named| named == aaguid) {
            return Ok(());
        }
        let needs = "the AAGUID that its certificate names";
        Err(ConfigError::Needs { feature: "batch_attestation", needs })
    }
}

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
    let fits = |format: &AttestationFormat| {
        *format != AttestationFormat::FidoU2f || algorithm == algorithm::ES256
    };
    let mut supported = config.attestation_formats.iter().copied().filter(fits);
    let named = |name: &String| {
        if enterprise && name == AttestationFormat::PackedBasic.identifier() {
            return Some(Attestation::Enterprise);
        }
        let format = supported.clone().find(|format| format.identifier() == name.as_str());
        format.map(Attestation::Ordinary)
    };
    let none = Attestation::Ordinary(AttestationFormat::None);
    match request.attestation_formats_preference.iter().find_map(named) {
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
    let batch = core.config.batch_attestation.as_ref();
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
            let enterprise = core.config.enterprise_attestation.clone()?;
            (enterprise.key, Some(enterprise.certificates))
        }
    };
    let alg = signer.algorithm();
    let work = core.keys.sign(&signer, &message);
    Some(work.map(move |sig| AttestationStatement::Packed(PackedAttestation { alg, sig, x5c })))
}
