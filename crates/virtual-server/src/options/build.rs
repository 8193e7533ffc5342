//! From options to an authenticator.

use std::time::Duration;

use towline_authenticator::{BackupState, PinUvAuthProtocol};
use towline_client::{Client, Timeouts};
use towline_ctap::Version;
use towline_virtual::{
    BuildError, Builder, Clock, Extension, Family, VirtualAuthenticator, crypto::CryptoProvider,
};

use super::{Ctap2Version, Preset, Protocol, Transport, VirtualAuthenticatorOptions, extension};
use crate::{BadMember, ServiceError, ServiceLimits, Switches};

/// How long a question stays open on the authenticator. A client's time runs out before.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How long a ceremony may take at most, and how long it takes where the site does not say.
const LONGEST: Duration = Duration::from_secs(3600);
const USUAL: Duration = Duration::from_secs(300);

/// What became of options.
pub(crate) struct Built {
    pub(crate) device: VirtualAuthenticator,
    pub(crate) switches: Switches,
}

/// The client of all ceremonies: a site may ask for as little time as it likes, as it may of
/// browsers under test. Passkeys are made beside a sign-in, too: in a test, somebody has just
/// signed in.
pub(crate) fn client(provider: &CryptoProvider) -> Client {
    let timeouts = Timeouts { min: Duration::ZERO, max: LONGEST, default: USUAL };
    Client::new(provider.clone()).with_timeouts(timeouts).with_conditional_create(true)
}

impl VirtualAuthenticatorOptions {
    /// Puts it together.
    pub(crate) fn build(
        &self,
        clock: &Clock,
        provider: &CryptoProvider,
        limits: &ServiceLimits,
    ) -> Result<Built, ServiceError> {
        let (builder, switches) = self.builder(limits)?;
        let builder = builder
            .provider(provider.clone())
            .clock(clock)
            .client(client(provider))
            .capacity(self.capacity.unwrap_or(limits.credentials));
        let device = builder.build().map_err(|error| refused(&error))?;
        device.person().leaves_it_to_verify();
        Ok(Built { device, switches })
    }

    /// All that these options say, and nothing of the service.
    pub(crate) fn builder(
        &self,
        limits: &ServiceLimits,
    ) -> Result<(Builder, Switches), ServiceError> {
        self.check(limits)?;
        let bare = self.preset.is_none()
            && (self.protocol.is_some()
                || self.transport.is_some()
                || self.ctap2_version.is_some());
        let switches = Switches {
            is_user_consenting: self.is_user_consenting.unwrap_or(true),
            is_user_verified: self.is_user_verified.unwrap_or(!bare),
            is_bogus_signature: false,
            is_bad_uv: false,
            is_bad_up: false,
        };
        let start =
            if bare { self.bare() } else { self.preset.unwrap_or(Preset::SyncedPasskey).builder() };
        let builder = self.shape(start, bare)?;
        let builder = builder.patience(PATIENCE);
        let builder = match self.seed {
            Some(seed) => builder.seed(seed),
            None => builder,
        };
        Ok((builder, switches))
    }

    /// What can be told without building anything.
    fn check(&self, limits: &ServiceLimits) -> Result<(), ServiceError> {
        let bad = |member: &str, message: String| Err(BadMember::new(member, message).into());
        let longest = limits.name_length;
        if self.name.as_ref().is_some_and(|name| name.len() > longest) {
            return bad("name", format!("it may have {longest} bytes"));
        }
        if self.capacity.is_some_and(|capacity| capacity > limits.credentials) {
            let most = limits.credentials;
            return bad("capacity", format!("there is room for {most} passkeys at most"));
        }
        if self.default_backup_state == Some(true) && self.default_backup_eligibility == Some(false)
        {
            let message = "what may not be backed up (defaultBackupEligibility) is not; \
                           set both, or this one to false";
            return bad("defaultBackupState", message.into());
        }
        match (self.protocol, self.ctap2_version) {
            (Some(Protocol::U2f), Some(_)) => {
                return bad("ctap2Version", "`u2f` has none; leave it out".into());
            }
            (Some(Protocol::Ctap2_1), Some(version)) if version != Ctap2Version::V2_1 => {
                return bad("ctap2Version", "`ctap2_1` is a version already; leave it out".into());
            }
            _ => {}
        }
        if self.protocol == Some(Protocol::U2f) {
            self.check_u2f()?;
        }
        if self.ctap2_version == Some(Ctap2Version::V2_0) {
            for (member, has) in [
                ("hasLargeBlob", self.has_large_blob),
                ("hasCredBlob", self.has_cred_blob),
                ("hasMinPinLength", self.has_min_pin_length),
                ("hasHmacSecretMc", self.has_hmac_secret_mc),
            ] {
                if has == Some(true) {
                    return bad(
                        member,
                        "it came with CTAP 2.1; set ctap2Version to ctap2_1".into(),
                    );
                }
            }
        }
        Ok(())
    }

    /// What U2F does not have.
    fn check_u2f(&self) -> Result<(), ServiceError> {
        if self.preset.is_some_and(|preset| preset != Preset::U2fKey) {
            let message = "the preset speaks CTAP2; leave out one of the two";
            return Err(BadMember::new("protocol", message).into());
        }
        let named = self.extensions.as_ref().is_some_and(|list| !list.is_empty());
        for (member, has) in [
            ("hasResidentKey", self.has_resident_key == Some(true)),
            ("hasUserVerification", self.has_user_verification == Some(true)),
            ("extensions", named),
            ("hasLargeBlob", self.has_large_blob == Some(true)),
            ("hasCredBlob", self.has_cred_blob == Some(true)),
            ("hasMinPinLength", self.has_min_pin_length == Some(true)),
            ("hasPrf", self.has_prf == Some(true)),
            ("hasHmacSecret", self.has_hmac_secret == Some(true)),
            ("hasHmacSecretMc", self.has_hmac_secret_mc == Some(true)),
            ("pin", self.pin.as_ref().is_some_and(|pin| !pin.is_empty())),
            ("alwaysUv", self.always_uv == Some(true)),
        ] {
            if has {
                let message = "U2F knows nothing of it; use protocol `ctap2`, or leave it out";
                return Err(BadMember::new(member, message).into());
            }
        }
        Ok(())
    }

    /// An authenticator with nothing but what is said.
    fn bare(&self) -> Builder {
        if self.protocol == Some(Protocol::U2f) {
            return Builder::u2f_key();
        }
        match self.transport {
            Some(Transport::Internal) => Builder::platform(),
            Some(Transport::Hybrid) => {
                Builder::phone().backup(BackupState::DeviceBound).only_discoverable(false)
            }
            _ => Builder::security_key().without_pin(),
        }
    }

    /// Changes what is said; of a bare one also what is not said.
    fn shape(&self, builder: Builder, bare: bool) -> Result<Builder, ServiceError> {
        let u2f = self.protocol == Some(Protocol::U2f) || self.preset == Some(Preset::U2fKey);
        let said = |value: Option<bool>| value.or_else(|| (bare && !u2f).then_some(false));
        let mut there = Vec::new();
        let mut builder = builder.configure(|config| there = extension::of(config));
        if let Some(transport) = self.transport {
            builder = reached_by(builder, transport);
        }
        if let Some(versions) = self.versions(bare) {
            builder = builder.versions(versions);
        }
        if let Some(on) = said(self.has_resident_key) {
            builder = builder.discoverable(on);
        }
        let there: &[Extension] = if bare { &[] } else { &there };
        let extensions = extension::wanted(self, there)?;
        let extensions = extensions.or_else(|| (bare && !u2f).then(Vec::new));
        if let Some(extensions) = &extensions {
            let mut discoverable = false;
            builder = builder.configure(|config| discoverable = config.credentials.discoverable);
            if extensions.contains(&Extension::LargeBlob) && !discoverable {
                return Err(self.no_large_blob());
            }
            let pins = extensions.contains(&Extension::MinPinLength);
            if pins {
                // Who asks for it here has no way to name the sites that learn it.
                let asked = extension::names_min_pin_length(self);
                builder = builder.pin_policy(|pin| pin.min_length_for_all = asked);
            }
            if pins || extensions.contains(&Extension::HmacSecret) {
                builder = builder.pin_protocols(&[PinUvAuthProtocol::Two, PinUvAuthProtocol::One]);
            }
            builder = builder.extensions(extensions.iter().copied());
        }
        if let Some(on) = extension::cred_protect(self, bare).filter(|_| !u2f) {
            builder = builder.cred_protect(on);
        }
        if let Some(on) = said(self.has_user_verification) {
            builder = builder.user_verification(on);
        }
        builder = match self.pin.as_deref() {
            Some("") => builder.without_pin(),
            Some(pin) => builder.pin(pin),
            None => builder,
        };
        if let Some(on) = self.always_uv {
            builder = builder.always_uv(on);
        }
        if let Some(on) = self.has_display {
            builder = builder.display(on);
        }
        if let Some(on) = self.counts_signatures {
            builder = builder.counting(on);
        } else if bare {
            builder = builder.counting(true);
        }
        if let Some(algorithms) = &self.algorithms {
            builder = builder.algorithms(algorithms);
        }
        if let Some(state) = self.backup() {
            builder = builder.backup(state);
        }
        Ok(builder)
    }

    fn no_large_blob(&self) -> ServiceError {
        let message = "large blobs belong to discoverable passkeys; set hasResidentKey to true";
        let member = if self.extensions.is_some() { "extensions" } else { "hasLargeBlob" };
        BadMember::new(member, message).into()
    }

    /// The versions that are claimed, if anything is said of them.
    fn versions(&self, bare: bool) -> Option<&'static [Version]> {
        const V2_0: &[Version] = &[Version::Fido2_0];
        const V2_1: &[Version] = &[Version::Fido2_0, Version::Fido2_1];
        const V2_3: &[Version] = &[Version::Fido2_0, Version::Fido2_1, Version::Fido2_3];
        match (self.protocol, self.ctap2_version) {
            (Some(Protocol::U2f), _) => None,
            (Some(Protocol::Ctap2_1), _) | (_, Some(Ctap2Version::V2_1)) => Some(V2_1),
            (_, Some(Ctap2Version::V2_2)) => Some(V2_3),
            (Some(Protocol::Ctap2), None) | (_, Some(Ctap2Version::V2_0)) => Some(V2_0),
            (None, None) => bare.then_some(V2_0),
        }
    }

    fn backup(&self) -> Option<BackupState> {
        match (self.default_backup_eligibility, self.default_backup_state) {
            (None, None) => None,
            (_, Some(true)) => Some(BackupState::BackedUp),
            (Some(true), _) => Some(BackupState::Eligible),
            (Some(false), _) => Some(BackupState::DeviceBound),
            (None, Some(false)) => None,
        }
    }
}

impl Preset {
    /// An authenticator of this kind, with everything still to choose.
    pub(crate) fn builder(self) -> Builder {
        let family = |name| Family::named(name).map_or_else(Builder::phone, |it| it.builder());
        match self {
            Self::SecurityKey => Builder::security_key(),
            Self::FingerprintKey => Builder::fingerprint_key(),
            Self::Platform => Builder::platform(),
            Self::SyncedPasskey => Builder::synced_passkey(),
            Self::Phone => Builder::phone(),
            Self::U2fKey => Builder::u2f_key(),
            Self::AndroidPhone => family("android-phone"),
            Self::Iphone => family("iphone"),
            Self::SyncedPlatform => family("synced-platform"),
            Self::Ctap20Key => family("ctap2.0-key"),
            Self::NarrowKey => family("narrow-key"),
        }
    }
}

fn reached_by(builder: Builder, transport: Transport) -> Builder {
    use towline_ctap::Transport as Wire;
    let (wire, platform) = match transport {
        Transport::Usb => (Wire::Usb, false),
        Transport::Nfc => (Wire::Nfc, false),
        Transport::Ble => (Wire::Ble, false),
        Transport::SmartCard => (Wire::SmartCard, false),
        Transport::Hybrid => (Wire::Hybrid, false),
        Transport::Internal => (Wire::Internal, true),
    };
    builder.transports(&[wire]).configure(|config| config.identity.platform = platform)
}

/// Which member it was that could not be used.
pub(crate) fn refused(error: &BuildError) -> ServiceError {
    let message = error.to_string();
    let member = match error {
        BuildError::Pin(_) => "pin",
        // That is what the config calls them, and the keys behind it.
        _ if message.contains("algorithms") => "algorithms",
        _ => "",
    };
    BadMember::new(member, message).into()
}
