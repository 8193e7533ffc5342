//! The properties of a new authenticator (WebAuthn L3 §11.3, "Authenticator Configuration").

use serde_json::{Map, Value};

use super::{
    capabilities::has_extension,
    error::{Error, ErrorCode},
    members::{BOOLEAN, Members, TEXT, wrong},
};
use crate::{Protocol, Transport, VirtualAuthenticatorOptions};

const PROTOCOLS: [(&str, Protocol); 3] =
    [("ctap1/u2f", Protocol::U2f), ("ctap2", Protocol::Ctap2), ("ctap2_1", Protocol::Ctap2_1)];

const TRANSPORTS: [(&str, Transport); 6] = [
    ("usb", Transport::Usb),
    ("nfc", Transport::Nfc),
    ("ble", Transport::Ble),
    ("smart-card", Transport::SmartCard),
    ("hybrid", Transport::Hybrid),
    ("internal", Transport::Internal),
];

/// Reads the parameters of Add Virtual Authenticator, in the order of its steps.
///
/// # Errors
/// `invalid argument` for unknown, wrong and missing members, and then `unsupported operation` for
/// an extension that nothing here has.
pub(super) fn options(
    parameters: &Map<String, Value>,
) -> Result<VirtualAuthenticatorOptions, Error> {
    let members = Members(parameters);
    let mut options = VirtualAuthenticatorOptions::default();
    let mut eligible = None;
    let mut backed_up = None;
    for name in parameters.keys() {
        match name.as_str() {
            "protocol" => options.protocol = one_of(members, name, &PROTOCOLS)?,
            "transport" => options.transport = one_of(members, name, &TRANSPORTS)?,
            "hasResidentKey" => options.has_resident_key = members.boolean(name)?,
            "hasUserVerification" => options.has_user_verification = members.boolean(name)?,
            "isUserConsenting" => options.is_user_consenting = members.boolean(name)?,
            "isUserVerified" => options.is_user_verified = members.boolean(name)?,
            "extensions" => {
                options.extensions = members.optional(name, "a list of strings", names)?;
            }
            "defaultBackupEligibility" => eligible = members.boolean(name)?,
            "defaultBackupState" => backed_up = members.boolean(name)?,
            _ => {
                let message = format!("`{name}` is no property of a virtual authenticator");
                return Err(Error::argument(message));
            }
        }
    }
    for (name, there) in
        [("protocol", options.protocol.is_some()), ("transport", options.transport.is_some())]
    {
        if !there {
            return Err(Error::argument(format!("`{name}` is missing")));
        }
    }
    for extension in options.extensions.iter().flatten() {
        if !has_extension(extension) {
            let message = format!("no authenticator here has the extension `{extension}`");
            return Err(Error::new(ErrorCode::UnsupportedOperation, message));
        }
    }
    // Nothing is backed up that may not be (WebAuthn L3 §6.1.3).
    options.default_backup_eligibility = Some(eligible.unwrap_or(false));
    options.default_backup_state = Some(eligible == Some(true) && backed_up == Some(true));
    if options.protocol == Some(Protocol::U2f) {
        // It has none of that, and nobody says that one may not ask.
        options.has_resident_key = None;
        options.has_user_verification = None;
        options.extensions = None;
    }
    Ok(options)
}

fn one_of<T: Copy>(
    members: Members<'_>,
    name: &str,
    values: &[(&str, T)],
) -> Result<Option<T>, Error> {
    let text = members.optional(name, TEXT, |it| it.as_str().map(str::to_owned))?;
    let Some(text) = text else { return Ok(None) };
    let known = values.iter().find(|(value, _)| *value == text);
    let (_, value) = known.ok_or_else(|| {
        let all: Vec<&str> = values.iter().map(|(value, _)| *value).collect();
        wrong(name, &format!("one of {}", all.join(", ")))
    })?;
    Ok(Some(*value))
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect()
}

/// Reads the parameters of Set User Verified.
///
/// # Errors
/// `invalid argument` where it is not said, or not so.
pub(super) fn is_user_verified(parameters: &Map<String, Value>) -> Result<bool, Error> {
    Members(parameters).required("isUserVerified", BOOLEAN, Value::as_bool)
}
