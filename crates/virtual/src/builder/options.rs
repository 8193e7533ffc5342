//! What a virtual authenticator is, one option after the other.

use towline_authenticator::{
    AttestationFormat, BackupState, BatchAttestation, BioEnrollment, BuiltInVerification,
    ClientPin, Config, EnterpriseAttestation, LargeBlobs, PinUvAuthProtocol,
};
use towline_ctap::{Transport, Version};

use super::{Builder, Extension};
use crate::{Attestation, Quirk, SyncedSet};

/// What getInfo says.
impl Builder {
    /// The versions that are claimed (`versions`).
    #[must_use]
    pub fn versions(mut self, versions: &[Version]) -> Self {
        self.config.identity.versions = versions.to_vec();
        self
    }

    /// How it can be reached (`transports`); with [`Transport::Internal`] among them it is a part
    /// of the client's device.
    #[must_use]
    pub fn transports(mut self, transports: &[Transport]) -> Self {
        self.config.identity.transports = transports.to_vec();
        self.config.identity.platform &= transports.contains(&Transport::Internal);
        self
    }

    /// The COSE algorithms, those that the provider lacks left out (`algorithms`): ML-DSA is
    /// there with the feature `ml-dsa` only, and RS256 not in the portable provider.
    #[must_use]
    pub fn algorithms(mut self, algorithms: &[i64]) -> Self {
        self.config.credentials.algorithms = algorithms.to_vec();
        self
    }

    /// Whether it has the extension `credProtect`. Without it, one that makes discoverable passkeys
    /// does not claim `FIDO_2_3`.
    #[must_use]
    pub fn cred_protect(mut self, on: bool) -> Self {
        self.config.extensions.cred_protect = on;
        if !on && self.config.credentials.discoverable {
            self.config.identity.versions.retain(|version| *version != Version::Fido2_3);
        }
        self
    }

    /// Exactly these extensions; `credProtect` stays [as it is](Self::cred_protect)
    /// (`extensions`).
    #[must_use]
    pub fn extensions(mut self, extensions: impl IntoIterator<Item = Extension>) -> Self {
        let on: Vec<Extension> = extensions.into_iter().collect();
        let has = |extension| on.contains(&extension);
        let config = &mut self.config;
        config.extensions.hmac_secret = has(Extension::HmacSecret);
        config.extensions.hmac_secret_mc = has(Extension::HmacSecretMc);
        config.extensions.prf = has(Extension::Prf);
        config.extensions.cred_blob = has(Extension::CredBlob).then_some(32);
        config.extensions.large_blobs =
            match (has(Extension::LargeBlobKey), has(Extension::LargeBlob)) {
                (true, _) => LargeBlobs::Command(4096),
                (false, true) => LargeBlobs::Extension(1024),
                (false, false) => LargeBlobs::None,
            };
        if let Some(pin) = &mut config.pin {
            pin.min_length_rp_ids = has(Extension::MinPinLength).then_some(8);
        }
        config.extensions.third_party_payment = has(Extension::ThirdPartyPayment);
        self
    }

    /// Whether it makes discoverable passkeys (`rk`).
    #[must_use]
    pub fn discoverable(mut self, on: bool) -> Self {
        self.config.credentials.discoverable = on;
        self.config.credentials.only_discoverable &= on;
        self.config.tokens.credential_management &= on;
        self
    }

    /// Whether it makes no others, whatever the site asks for.
    #[must_use]
    pub const fn only_discoverable(mut self, on: bool) -> Self {
        self.config.credentials.only_discoverable = on;
        self
    }

    /// Built-in verification (`uv`): that of the preset, or else a screen lock, set up; or none.
    /// Without it and without a PIN there are no PIN/UV tokens, nor what needs them: credential
    /// management, and versions after `FIDO_2_0`.
    #[must_use]
    pub fn user_verification(mut self, on: bool) -> Self {
        let verification = &mut self.config.verification;
        if on {
            let has_tokens = !self.config.tokens.pin_uv_auth_protocols.is_empty();
            let lock = BuiltInVerification::screen_lock;
            let built_in = verification.built_in.get_or_insert_with(lock);
            built_in.configured = true;
            built_in.without_token |= !has_tokens;
        } else {
            verification.built_in = None;
            verification.unasked = false;
            self.drop_needless_tokens();
        }
        self
    }

    fn drop_needless_tokens(&mut self) {
        let Config { verification, pin, tokens, identity, extensions, attestation, reset, .. } =
            &mut self.config;
        if verification.built_in.is_some() || pin.is_some() {
            return;
        }
        (verification.always_uv, verification.always_uv_configurable) = (false, false);
        (attestation.enterprise, reset.long_touch_configurable) = (None, false);
        tokens.vendor_config_commands = Vec::new();
        // hmac-secret agrees on keys by these protocols, too.
        if !extensions.hmac_secret {
            tokens.pin_uv_auth_protocols = Vec::new();
        }
        tokens.credential_management = false;
        tokens.persistent_token = false;
        tokens.preview_commands = false;
        identity.versions.retain(|version| matches!(version, Version::U2fV2 | Version::Fido2_0));
        if identity.versions.is_empty() {
            identity.versions = vec![Version::Fido2_0];
        }
    }

    /// Has a PIN (`clientPin`), which is set to this. The person knows it.
    #[must_use]
    pub fn pin(mut self, pin: &str) -> Self {
        let Config { pin: has, tokens, .. } = &mut self.config;
        has.get_or_insert_with(ClientPin::standard);
        if tokens.pin_uv_auth_protocols.is_empty() {
            tokens.pin_uv_auth_protocols = vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One];
        }
        self.pin = Some(pin.to_owned());
        self
    }

    /// Has no PIN (`clientPin` absent), nor PIN/UV tokens and what needs them if there is no other
    /// verification.
    #[must_use]
    pub fn without_pin(mut self) -> Self {
        self.config.pin = None;
        self.pin = None;
        self.drop_needless_tokens();
        self
    }

    /// Nothing happens without verification (`alwaysUv`).
    #[must_use]
    pub fn always_uv(mut self, on: bool) -> Self {
        self.config.verification.always_uv = on;
        self
    }

    /// Passkeys that are not discoverable are made without verification (`makeCredUvNotRqd`).
    #[must_use]
    pub fn make_cred_uv_not_required(mut self, on: bool) -> Self {
        self.config.verification.make_cred_uv_not_rqd = on;
        self
    }

    /// Whether a platform may turn that on and off (`alwaysUv` in authenticatorConfig).
    #[must_use]
    pub const fn always_uv_configurable(mut self, on: bool) -> Self {
        self.config.verification.always_uv_configurable = on;
        self
    }

    /// Fingerprints that a platform enrols (`bioEnroll`, `uvBioEnroll`); needs built-in
    /// verification.
    #[must_use]
    pub const fn bio_enrollment(mut self, enrollment: Option<BioEnrollment>) -> Self {
        if let Some(built_in) = &mut self.config.verification.built_in {
            built_in.bio_enrollment = enrollment;
        }
        self
    }

    /// The means of built-in verification, as bits of the FIDO registry (`uvModality`), and how
    /// often a platform should try it before it asks for the PIN (`preferredPlatformUvAttempts`).
    #[must_use]
    pub const fn modality(mut self, bits: Option<u64>, attempts: Option<u8>) -> Self {
        if let Some(built_in) = &mut self.config.verification.built_in {
            built_in.modality = bits;
            built_in.platform_attempts = attempts;
        }
        self
    }

    /// Whether passkeys can be listed, renamed and deleted with a token (`credMgmt`), and listed
    /// with one that stays good (`perCredMgmtRO`).
    #[must_use]
    pub const fn credential_management(mut self, on: bool, persistent: bool) -> Self {
        self.config.tokens.credential_management = on;
        self.config.tokens.persistent_token = persistent;
        self
    }

    /// The PIN/UV auth protocols, by preference; with none there are no tokens
    /// (`pinUvAuthProtocols`, `pinUvAuthToken`).
    #[must_use]
    pub fn pin_protocols(mut self, protocols: &[PinUvAuthProtocol]) -> Self {
        self.config.tokens.pin_uv_auth_protocols = protocols.to_vec();
        self
    }

    /// What PINs have to be like and what they permit (`minPINLength`, `maxPINLength`,
    /// `pinComplexityPolicy`, `noMcGaPermissionsWithClientPin`). Without a PIN so far it gets one,
    /// which is not set.
    #[must_use]
    pub fn pin_policy(mut self, change: impl FnOnce(&mut ClientPin)) -> Self {
        change(self.config.pin.get_or_insert_with(ClientPin::standard));
        self
    }

    /// Enterprise attestation (`ep`), which a platform turns on.
    #[must_use]
    pub fn enterprise_attestation(mut self, enterprise: EnterpriseAttestation) -> Self {
        self.config.attestation.enterprise = Some(enterprise);
        self
    }

    /// The version of the firmware, and certifications with their levels (`firmwareVersion`,
    /// `certifications`).
    #[must_use]
    pub fn firmware(mut self, version: u64, certifications: &[(&str, u64)]) -> Self {
        let owned = |(name, level): &(&str, u64)| ((*name).to_owned(), *level);
        self.config.identity.firmware_version = Some(version);
        self.config.identity.certifications = certifications.iter().map(owned).collect();
        self
    }

    /// The transports over which it can be reset, and whether a long touch for that can be turned
    /// on (`transportsForReset`, `longTouchForReset`).
    #[must_use]
    pub fn reset_over(mut self, transports: &[Transport], long_touch: bool) -> Self {
        self.config.reset.transports = Some(transports.to_vec());
        self.config.reset.long_touch_configurable = long_touch;
        self
    }

    /// Commands of the vendor's own (`vendorPrototypeConfigCommands`).
    #[must_use]
    pub fn vendor_commands(mut self, commands: &[u64]) -> Self {
        self.config.tokens.vendor_config_commands = commands.to_vec();
        self
    }

    /// Whether the person sees and chooses accounts on the authenticator, and not in the client.
    #[must_use]
    pub fn display(mut self, on: bool) -> Self {
        self.config.identity.has_display = on;
        self
    }

    /// How many passkeys there is room for (`remainingDiscoverableCredentials`).
    #[must_use]
    pub fn capacity(mut self, passkeys: usize) -> Self {
        self.capacity = Some(passkeys);
        self
    }

    /// The longest message, and how many credentials a list may have (`maxMsgSize`,
    /// `maxCredentialCountInList`).
    #[must_use]
    pub fn limits(mut self, message: usize, credentials: usize) -> Self {
        self.config.limits.max_msg_size = message;
        self.config.limits.max_credential_count_in_list = credentials;
        self
    }

    /// What it does otherwise than others.
    #[must_use]
    pub fn quirks(mut self, quirks: &[Quirk]) -> Self {
        self.quirks = quirks.into();
        self
    }

    /// Anything else that the policy of an authenticator says, but for the AAGUID, where passkeys
    /// are kept and how they count.
    #[must_use]
    pub fn configure(mut self, configure: impl FnOnce(&mut Config)) -> Self {
        configure(&mut self.config);
        super::settle(&mut self.config);
        self
    }
}

/// What passkeys are like.
impl Builder {
    /// Whether new passkeys count their signatures; otherwise they say 0 for ever.
    #[must_use]
    pub fn counting(mut self, on: bool) -> Self {
        self.counts = on;
        self
    }

    /// Whether new passkeys may be backed up (BE), and are (BS).
    #[must_use]
    pub const fn backup(mut self, state: BackupState) -> Self {
        self.config.credentials.backup = state;
        self
    }

    /// Passkeys are those of this set, which others may share.
    #[must_use]
    pub fn synced_with(mut self, set: &SyncedSet) -> Self {
        self.set = Some(set.clone());
        self
    }

    /// The attestation formats that the authenticator makes itself; the first is used where the
    /// site has no preference.
    #[must_use]
    pub fn attestation_formats(mut self, formats: &[AttestationFormat]) -> Self {
        self.config.attestation.formats = formats.to_vec();
        self
    }

    /// A key and certificates that vouch for the model.
    #[must_use]
    pub fn batch_attestation(mut self, batch: BatchAttestation) -> Self {
        self.config.attestation.batch = Some(batch);
        self.attestation_formats(&[AttestationFormat::PackedBasic, AttestationFormat::None])
    }

    /// Statements of any format, bent or straight: those of
    /// [`TestAttestation`](crate::attestation::TestAttestation), or your own.
    #[must_use]
    pub fn attestation(mut self, attestation: impl Attestation + 'static) -> Self {
        let own = attestation.formats().into_iter().map(AttestationFormat::OfKeyStore);
        let none = [AttestationFormat::None];
        self.config.attestation.formats = own.chain(none).collect();
        self.attestation = Some(Box::new(attestation));
        self
    }
}
