//! The methods of the domain `WebAuthn`, with their parameters.

use serde_json::{Map, Value};

use super::{
    bindings::{Members, binary, boolean, double, int32, text},
    credential::Credential,
    error::Error,
};
use crate::{Ctap2Version, Protocol, SwitchChange, Transport, VirtualAuthenticatorOptions};

/// A method of the domain, with parameters of the right types.
#[derive(Clone)]
pub(super) enum Command {
    Enable,
    Disable,
    AddVirtualAuthenticator(Box<Options>),
    RemoveVirtualAuthenticator { authenticator: String },
    SetResponseOverrideBits { authenticator: String, bits: SwitchChange },
    AddCredential { authenticator: String, credential: Box<Credential> },
    GetCredential { authenticator: String, credential: Vec<u8> },
    GetCredentials { authenticator: String },
    RemoveCredential { authenticator: String, credential: Vec<u8> },
    ClearCredentials { authenticator: String },
    SetUserVerified { authenticator: String, verified: bool },
    SetAutomaticPresenceSimulation { authenticator: String, enabled: bool },
    SetCredentialProperties { authenticator: String, credential: Vec<u8>, changes: Properties },
}

/// What `setCredentialProperties` changes; what is missing stays.
#[derive(Clone, Default)]
pub(super) struct Properties {
    pub(super) backup_eligibility: Option<bool>,
    pub(super) backup_state: Option<bool>,
    /// -1 takes the counter away.
    pub(super) sign_count: Option<f64>,
    /// Whether anything is said of keys that no authenticator here has.
    pub(super) cmtg: bool,
}

/// `VirtualAuthenticatorOptions`.
#[derive(Clone, Default)]
pub(super) struct Options {
    automatic_presence_simulation: Option<bool>,
    ctap2_version: Option<String>,
    default_backup_eligibility: bool,
    default_backup_state: bool,
    has_cmtg_key: bool,
    has_cred_blob: bool,
    has_hmac_secret: bool,
    has_hmac_secret_mc: bool,
    has_large_blob: bool,
    has_min_pin_length: bool,
    has_prf: bool,
    has_resident_key: bool,
    has_user_verification: bool,
    is_user_verified: bool,
    protocol: String,
    transport: String,
}

type Params<'a> = Option<&'a Map<String, Value>>;

const ID: &str = "authenticatorId";
const CREDENTIAL: &str = "credentialId";

impl Command {
    /// The command of this name.
    ///
    /// # Errors
    /// Where there is no such method, or its parameters are not of their types.
    pub(super) fn read(method: &str, params: Params<'_>) -> Result<Self, Error> {
        let name = method.strip_prefix("WebAuthn.").ok_or_else(|| Error::method(method))?;
        match name {
            "enable" => match params {
                Some(_) => Members::read(params, |it| {
                    it.optional("enableUI", boolean);
                    Self::Enable
                }),
                None => Ok(Self::Enable),
            },
            "disable" => Ok(Self::Disable),
            "addVirtualAuthenticator" => Members::read(params, |it| {
                let options = it.dictionary("options", Options::read);
                Self::AddVirtualAuthenticator(Box::new(options))
            }),
            "removeVirtualAuthenticator" => {
                of_one(params, |authenticator| Self::RemoveVirtualAuthenticator { authenticator })
            }
            "getCredentials" => {
                of_one(params, |authenticator| Self::GetCredentials { authenticator })
            }
            "clearCredentials" => {
                of_one(params, |authenticator| Self::ClearCredentials { authenticator })
            }
            "setResponseOverrideBits" => Members::read(params, |it| {
                let authenticator = it.required(ID, text);
                // What is not named is switched off.
                let is_bad_up = Some(it.optional("isBadUP", boolean).unwrap_or(false));
                let is_bad_uv = Some(it.optional("isBadUV", boolean).unwrap_or(false));
                let bogus = Some(it.optional("isBogusSignature", boolean).unwrap_or(false));
                let is_bogus_signature = bogus;
                let bits =
                    SwitchChange { is_bogus_signature, is_bad_uv, is_bad_up, ..<_>::default() };
                Self::SetResponseOverrideBits { authenticator, bits }
            }),
            "addCredential" => Members::read(params, |it| Self::AddCredential {
                authenticator: it.required(ID, text),
                credential: Box::new(it.dictionary("credential", Credential::read)),
            }),
            "getCredential" => of_credential(params, |authenticator, credential| {
                Self::GetCredential { authenticator, credential }
            }),
            "removeCredential" => of_credential(params, |authenticator, credential| {
                Self::RemoveCredential { authenticator, credential }
            }),
            "setUserVerified" => Members::read(params, |it| Self::SetUserVerified {
                authenticator: it.required(ID, text),
                verified: it.required("isUserVerified", boolean),
            }),
            "setAutomaticPresenceSimulation" => {
                Members::read(params, |it| Self::SetAutomaticPresenceSimulation {
                    authenticator: it.required(ID, text),
                    enabled: it.required("enabled", boolean),
                })
            }
            "setCredentialProperties" => Members::read(params, |it| {
                let key = it.optional("activeCmtgKeyIndex", int32).is_some();
                let authenticator = it.required(ID, text);
                let backup_eligibility = it.optional("backupEligibility", boolean);
                let backup_state = it.optional("backupState", boolean);
                let credential = it.required(CREDENTIAL, binary);
                let cmtg = it.optional("generateCmtgKeyOnNextOperation", boolean).is_some();
                let sign_count = it.optional("signCount", double);
                let cmtg = key || cmtg;
                let changes = Properties { backup_eligibility, backup_state, sign_count, cmtg };
                Self::SetCredentialProperties { authenticator, credential, changes }
            }),
            _ => Err(Error::method(method)),
        }
    }
}

fn of_one(params: Params<'_>, command: impl FnOnce(String) -> Command) -> Result<Command, Error> {
    Members::read(params, |it| command(it.required(ID, text)))
}

fn of_credential(
    params: Params<'_>,
    command: impl FnOnce(String, Vec<u8>) -> Command,
) -> Result<Command, Error> {
    Members::read(params, |it| command(it.required(ID, text), it.required(CREDENTIAL, binary)))
}

impl Options {
    fn read(members: &mut Members<'_>) -> Self {
        let mut on = |name| members.optional(name, boolean).unwrap_or(false);
        // In the order of the alphabet, but for those that are no switches.
        let [eligibility, state] = ["defaultBackupEligibility", "defaultBackupState"].map(&mut on);
        let [cmtg_key, cred_blob] = ["hasCmtgKey", "hasCredBlob"].map(&mut on);
        let [hmac_secret, hmac_secret_mc] = ["hasHmacSecret", "hasHmacSecretMc"].map(&mut on);
        let [large_blob, min_pin] = ["hasLargeBlob", "hasMinPinLength"].map(&mut on);
        let [prf, resident_key] = ["hasPrf", "hasResidentKey"].map(&mut on);
        let [verification, verified] = ["hasUserVerification", "isUserVerified"].map(&mut on);
        Self {
            automatic_presence_simulation: members.optional("automaticPresenceSimulation", boolean),
            ctap2_version: members.optional("ctap2Version", text),
            default_backup_eligibility: eligibility,
            default_backup_state: state,
            has_cmtg_key: cmtg_key,
            has_cred_blob: cred_blob,
            has_hmac_secret: hmac_secret,
            has_hmac_secret_mc: hmac_secret_mc,
            has_large_blob: large_blob,
            has_min_pin_length: min_pin,
            has_prf: prf,
            has_resident_key: resident_key,
            has_user_verification: verification,
            is_user_verified: verified,
            protocol: members.required("protocol", text),
            transport: members.required("transport", text),
        }
    }

    /// The same for the service, checked in Chromium's order.
    ///
    /// # Errors
    /// Where there is no such authenticator.
    pub(super) fn checked(self) -> Result<VirtualAuthenticatorOptions, Error> {
        let transport = match self.transport.as_str() {
            "usb" => Transport::Usb,
            "nfc" => Transport::Nfc,
            "ble" => Transport::Ble,
            "cable" | "hybrid" => Transport::Hybrid,
            "smart-card" => Transport::SmartCard,
            "internal" => Transport::Internal,
            _ => return Err(Error::parameter("The transport is not valid")),
        };
        let u2f = match self.protocol.as_str() {
            "ctap2" => false,
            "u2f" => true,
            _ => return Err(Error::parameter("The protocol is not valid")),
        };
        if u2f && transport == Transport::Hybrid {
            let text = r#"U2F only supports the "usb", "ble" and "nfc" transports"#;
            return Err(Error::parameter(text));
        }
        let version = match self.ctap2_version.as_deref() {
            None | Some("ctap2_0") => Ctap2Version::V2_0,
            Some("ctap2_1") => Ctap2Version::V2_1,
            Some("ctap2_2") => Ctap2Version::V2_2,
            Some(_) => return Err(Error::parameter("Invalid CTAP version.")),
        };
        if (self.has_large_blob || self.has_cmtg_key) && !self.has_resident_key {
            return Err(Error::parameter(NEEDS_RESIDENT_KEYS));
        }
        if (u2f || version == Ctap2Version::V2_0)
            && (self.has_large_blob || self.has_cred_blob || self.has_min_pin_length)
        {
            let text = "Specified options require a CTAP 2.1 authenticator";
            return Err(Error::parameter(text));
        }
        if self.has_cmtg_key && u2f {
            return Err(Error::parameter("Specified options require a CTAP 2 authenticator"));
        }
        if self.has_cmtg_key {
            return Err(Error::parameter(NO_CMTG_KEYS));
        }
        let mut options = VirtualAuthenticatorOptions {
            protocol: Some(if u2f { Protocol::U2f } else { Protocol::Ctap2 }),
            transport: Some(transport),
            is_user_consenting: self.automatic_presence_simulation,
            is_user_verified: Some(self.is_user_verified),
            ..VirtualAuthenticatorOptions::default()
        };
        // U2F has none of the others, and Chromium passes over them there.
        if !u2f {
            // 2.0 is what is claimed if nothing is said.
            options.ctap2_version = Some(version).filter(|it| *it != Ctap2Version::V2_0);
            options.has_resident_key = Some(self.has_resident_key);
            options.has_user_verification = Some(self.has_user_verification);
            options.has_large_blob = Some(self.has_large_blob);
            options.has_cred_blob = Some(self.has_cred_blob);
            options.has_min_pin_length = Some(self.has_min_pin_length);
            options.has_prf = Some(self.has_prf);
            // The one is nothing without the other.
            options.has_hmac_secret = Some(self.has_hmac_secret || self.has_hmac_secret_mc);
            options.has_hmac_secret_mc = Some(self.has_hmac_secret_mc);
            let eligible = self.default_backup_eligibility;
            options.default_backup_eligibility = Some(eligible);
            // Nothing is backed up that may not be (WebAuthn L3 §6.1.3).
            options.default_backup_state = Some(eligible && self.default_backup_state);
        }
        Ok(options)
    }
}

pub(super) const NEEDS_RESIDENT_KEYS: &str =
    "Specified options require an authenticator with resident key support";
pub(super) const NO_CMTG_KEYS: &str = "CMTG is not supported by this authenticator";
