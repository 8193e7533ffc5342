//! Endorsement keys: by one of them the maker of a TPM vouches for it (TCG EK Credential Profile
//! for TPM Family 2.0).

use crate::{
    attestation::LONGEST_CERTIFICATE,
    command::{LoadedPrimary, NvIndex, TpmCommand},
    error::Error,
    handle::Handle,
    public::{self, PublicArea, attribute},
    session::{Authorization, Encryption},
    template,
    tpm::Tpm,
    wire::Unreadable,
};

/// Where the certificate of a key is, and what the key is made from.
type Known = (Handle, fn() -> PublicArea);

/// Those that are looked for, in this order (§2.2.1.4, §2.2.1.5). Not the ones on P-384 and larger,
/// whose names and seeds are by SHA-384.
const KNOWN: [Known; 4] = [
    (Handle(0x01c0_0002), template::endorsement_rsa),
    (Handle(0x01c0_0012), template::endorsement_rsa_high),
    (Handle(0x01c0_000a), template::endorsement_ecc),
    (Handle(0x01c0_0014), template::endorsement_ecc_high),
];

/// The endorsement key of a TPM.
pub(crate) struct Endorsement {
    template: PublicArea,
    /// Where its certificate is, and how long that is.
    certificate: Option<(NvIndex, u16)>,
}

impl Endorsement {
    /// The one that its maker has certified; without certificates the one by RSA, or the one on
    /// P-256 where it has no RSA.
    pub(crate) fn of(tpm: &mut Tpm) -> Result<Self, Error> {
        for (handle, template) in KNOWN {
            let (public, name) = match tpm.run(TpmCommand::nv_read_public(handle)) {
                Err(Error::Response(code)) if code.is_gone() => continue,
                read => read?,
            };
            let certificate = Some((NvIndex { handle, name }, public.size));
            return Ok(Self { template: template(), certificate });
        }
        let has_rsa = tpm.run(TpmCommand::algorithms())?.values.contains(&public::RSA);
        let template =
            if has_rsa { template::endorsement_rsa() } else { template::endorsement_ecc() };
        Ok(Self { template, certificate: None })
    }

    /// Its certificate in DER, as the maker put it into the TPM.
    pub(crate) fn certificate(&self, tpm: &mut Tpm) -> Result<Option<Vec<u8>>, Error> {
        let Some((index, length)) = &self.certificate else { return Ok(None) };
        let mut certificate = Vec::new();
        let length = LONGEST_CERTIFICATE.min(*length);
        let mut offset = 0_u16;
        while offset < length {
            let chunk = length.saturating_sub(offset).min(512);
            let read = TpmCommand::nv_read(None, index, offset, chunk);
            let bytes = tpm.execute(read, &[Authorization::Empty], Encryption::default())?;
            if bytes.len() != usize::from(chunk) {
                return Err(Unreadable("certificate of the endorsement key").into());
            }
            certificate.extend_from_slice(&bytes);
            offset = offset.saturating_add(chunk);
        }
        Ok(Some(certificate))
    }

    /// Makes it, the same each time.
    pub(crate) fn make(&self, tpm: &mut Tpm) -> Result<LoadedPrimary, Error> {
        let create = TpmCommand::create_primary(Handle::ENDORSEMENT, &self.template);
        tpm.execute(create, &[Authorization::Empty], Encryption::default())
    }

    /// What it takes to use it: its empty authorisation value, or the authorisation of the
    /// endorsement hierarchy.
    pub(crate) fn authorized(&self, tpm: &mut Tpm) -> Result<Authorization<'static>, Error> {
        if self.template.attributes & attribute::USER_WITH_AUTH != 0 {
            return Ok(Authorization::Empty);
        }
        let nonce = tpm.provider().random.bytes()?;
        let session = tpm.run(TpmCommand::start_policy(&nonce))?.handle;
        let hierarchy = Handle::ENDORSEMENT;
        let meet = TpmCommand::policy_secret(hierarchy, &hierarchy.name(), session);
        tpm.execute(meet, &[Authorization::Empty], Encryption::default())?;
        Ok(Authorization::Policy(session))
    }
}
