//! The key that the arguments describe.

use std::time::Duration;

use towline::{
    authenticator::{
        AttestationFormat, BatchAttestation, Config, ConfigError, EnterpriseAttestation,
        LargeBlobs, PinComplexity,
    },
    crypto::CryptoProvider,
};

use crate::{
    args::{self, KeyAttestation, KeyKind, LargeBlobForm, PinPolicy},
    attestation::{self, Vouching},
    custody::Attested,
    exit::Failure,
    usb,
};

/// How much a relying party keeps with a passkey by the extension largeBlob, in bytes after
/// compression.
const LARGEST_BLOB: usize = 2048;

/// Says no before anything is opened or made, if there is no such key.
pub(super) fn config(args: &args::Key, provider: &CryptoProvider) -> Result<Config, Failure> {
    let mut config = match args.kind {
        KeyKind::SecurityKey => Config::security_key(),
        KeyKind::FingerprintKey => Config::fingerprint_key(),
    };
    if args.uhid {
        config.limits.max_msg_size = usb::MAX_MSG_SIZE;
    }
    if args.large_blobs == LargeBlobForm::Extension {
        // It has to fit into a message, too.
        let largest = if args.uhid { LARGEST_BLOB / 2 } else { LARGEST_BLOB };
        config.extensions.large_blobs = LargeBlobs::Extension(largest);
    }
    config.timing.user_action_timeout = Duration::from_secs(args.timeout);
    config.verification.make_cred_uv_not_rqd = !args.verify_to_register;
    config.reset.long_touch_configurable = args.long_touch_reset;
    if let Some(pin) = &mut config.pin {
        pin.complexity = match args.pin_complexity {
            PinPolicy::Off => PinComplexity::None,
            PinPolicy::Configurable => PinComplexity::Configurable,
            PinPolicy::Enforced => PinComplexity::Enforced,
        };
    }
    let vouching = vouching(args, provider)?;
    config.attestation.formats = match args.attestation {
        KeyAttestation::Own => vec![AttestationFormat::PackedSelf, AttestationFormat::None],
        KeyAttestation::Basic => vec![AttestationFormat::PackedBasic, AttestationFormat::None],
        // Whether there is a TPM that makes statements is known later.
        KeyAttestation::None | KeyAttestation::Tpm => vec![AttestationFormat::None],
    };
    if let Some(Vouching { key, certificates }) = vouching {
        if args.enterprise_attestation {
            config.attestation.enterprise = Some(EnterpriseAttestation {
                key: key.clone(),
                certificates: certificates.clone(),
                vendor_rp_ids: args.enterprise_rp.clone(),
                platform_managed: true,
            });
        }
        if args.attestation == KeyAttestation::Basic {
            let batch = BatchAttestation { key, certificates };
            config.identity.aaguid = batch.aaguid().unwrap_or(config.identity.aaguid);
            config.attestation.batch = Some(batch);
        }
    }
    config.validate().map_err(|error| contradiction(&error))?;
    Ok(config)
}

/// When a TPM attests, if there is one that can.
pub(super) const fn attested(attestation: KeyAttestation) -> Attested {
    match attestation {
        KeyAttestation::Tpm => Attested::Always,
        KeyAttestation::None => Attested::Never,
        KeyAttestation::Own | KeyAttestation::Basic => Attested::IfNamed,
    }
}

/// Who vouches for the key, if its arguments need somebody.
fn vouching(args: &args::Key, provider: &CryptoProvider) -> Result<Option<Vouching>, Failure> {
    let basic = args.attestation == KeyAttestation::Basic;
    let named = (&args.attestation_key, &args.attestation_certificates);
    match (named, basic || args.enterprise_attestation) {
        ((Some(key), Some(certificates)), true) => {
            attestation::read(key, certificates, provider).map(Some)
        }
        ((None, None), false) => Ok(None),
        (_, true) => Err(Failure::usage(
            "attestation",
            "somebody has to vouch for the key: name them with --attestation-key and --attestation-certificates",
        )),
        (_, false) => Err(Failure::usage(
            "attestation",
            "nobody would see these certificates: add --attestation basic or --enterprise-attestation",
        )),
    }
}

fn contradiction(error: &ConfigError) -> Failure {
    let message = match error {
        ConfigError::Needs { feature: "attestation.enterprise", .. } => {
            "the certificate for --enterprise-attestation has to hold the device's serial number \
             (extension 1.3.6.1.4.1.45724.1.1.2); docs/usb-key.md shows how to make one"
                .to_owned()
        }
        ConfigError::Repeated("attestation.enterprise.vendor_rp_ids") => {
            "--enterprise-rp names the same site twice".to_owned()
        }
        error => format!("there is no such key: {error}"),
    };
    Failure::usage("settings", message)
}
