//! Which attestation is made, and who signs it (CTAP 2.3 §6.1.2 step 19; WebAuthn L3 §6.5.3, §8.2).

use towline_ctap::{
    AttestationStatement, AuthenticatorData, ClientDataHash, FidoU2fAttestation,
    MakeCredentialRequest, PackedAttestation, algorithm,
};

use crate::{AttestationFormat, KeyHandle, flow::Core};

/// The first format of the client's preference that is supported, or our own first.
pub(crate) fn choose(
    supported: &[AttestationFormat],
    request: &MakeCredentialRequest,
    algorithm: i64,
) -> AttestationFormat {
    let fits = |format: &AttestationFormat| {
        *format != AttestationFormat::FidoU2f || algorithm == algorithm::ES256
    };
    let mut supported = supported.iter().copied().filter(fits);
    let preferred = request
        .attestation_formats_preference
        .iter()
        .find_map(|name| supported.clone().find(|format| format.identifier() == name.as_str()));
    preferred.or_else(|| supported.next()).unwrap_or(AttestationFormat::None)
}

/// A statement to be signed.
pub(crate) struct Unsigned {
    /// Who signs.
    pub(crate) signer: KeyHandle,
    /// What is signed.
    pub(crate) message: Vec<u8>,
    format: AttestationFormat,
    certificates: Vec<Vec<u8>>,
}

impl Unsigned {
    /// `None` for a creation without a statement.
    pub(crate) fn new(
        core: &Core,
        format: AttestationFormat,
        credential: &KeyHandle,
        data: &AuthenticatorData,
        client_data_hash: &ClientDataHash,
    ) -> Option<Self> {
        let batch = core.config.batch_attestation.as_ref();
        let (signer, certificates) = match format {
            AttestationFormat::None => return None,
            AttestationFormat::PackedSelf => (credential.clone(), Vec::new()),
            AttestationFormat::PackedBasic | AttestationFormat::FidoU2f => {
                (batch?.key.clone(), batch?.certificates.clone())
            }
        };
        let message = if format == AttestationFormat::FidoU2f {
            let attested = data.attested.as_ref()?;
            FidoU2fAttestation::signed_message(
                &data.rp_id_hash,
                client_data_hash,
                &attested.credential_id,
                &attested.public_key,
            )?
        } else {
            [data.encode().as_slice(), client_data_hash.as_bytes()].concat()
        };
        Some(Self { signer, message, format, certificates })
    }

    pub(crate) fn signed(self, sig: Vec<u8>) -> AttestationStatement {
        let mut certificates = self.certificates;
        if self.format == AttestationFormat::FidoU2f && !certificates.is_empty() {
            let certificate = certificates.swap_remove(0);
            return AttestationStatement::FidoU2f(FidoU2fAttestation { certificate, sig });
        }
        let x5c = (!certificates.is_empty()).then_some(certificates);
        let alg = self.signer.algorithm();
        AttestationStatement::Packed(PackedAttestation { alg, sig, x5c })
    }
}
