//! The parameters of a method, read as Chromium's bindings read them: members without a name here
//! are passed over, wrong ones are told before missing ones, and `null` is no value.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value};

use super::{error::Error, message};
use crate::Base64Url;

/// Base64 as RFC 4648 has it; without padding too when it is read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The members of one object.
pub(super) struct Members<'a> {
    /// Where the object stands: `params.options`.
    path: String,
    object: &'a Map<String, Value>,
    wrong: Option<String>,
    missing: Option<String>,
}

impl<'a> Members<'a> {
    /// Reads the parameters of a method.
    ///
    /// # Errors
    /// The first of what is wrong, or else missing.
    pub(super) fn read<T>(
        params: Option<&'a Map<String, Value>>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Error> {
        let path = "params".to_owned();
        let Some(object) = params else { return Err(Error::parameters(not_an_object(&path))) };
        let mut members = Self { path, object, wrong: None, missing: None };
        let value = read(&mut members);
        match members.problem() {
            None => Ok(value),
            Some(problem) => Err(Error::parameters(problem)),
        }
    }

    fn problem(self) -> Option<String> {
        self.wrong.or(self.missing)
    }

    /// All members, those without a name here included.
    pub(super) const fn object(&self) -> &'a Map<String, Value> {
        self.object
    }

    /// A member that may be missing. To be called in the order of the alphabet.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Option<T> {
        match read(self.object.get(name)?) {
            Ok(value) => Some(value),
            Err(what) => {
                let problem = says(&format!("{}.{name}", self.path), what);
                self.wrong.get_or_insert(problem);
                None
            }
        }
    }

    /// A member that must be there; where it is not, or is wrong, what is made of all will not be
    /// used.
    pub(super) fn required<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> T {
        self.note_missing(name);
        self.optional(name, read).unwrap_or_default()
    }

    /// The same of an object.
    pub(super) fn dictionary<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Members<'a>) -> T,
    ) -> T {
        self.note_missing(name);
        let Some(value) = self.object.get(name) else { return T::default() };
        let path = format!("{}.{name}", self.path);
        let Some(object) = value.as_object() else {
            self.wrong.get_or_insert_with(|| not_an_object(&path));
            return T::default();
        };
        let mut inner = Members { path, object, wrong: None, missing: None };
        let value = read(&mut inner);
        if let Some(problem) = inner.problem() {
            self.wrong.get_or_insert(problem);
        }
        value
    }

    fn note_missing(&mut self, name: &str) {
        if !self.object.contains_key(name) {
            let path = format!("{}.{name}", self.path);
            let problem = says(&path, "BINDINGS: mandatory field missing");
            self.missing.get_or_insert(problem);
        }
    }
}

fn says(path: &str, what: &str) -> String {
    format!("Failed to deserialize {path} - {what}")
}

fn not_an_object(path: &str) -> String {
    says(path, "CBOR: map start expected")
}

pub(super) fn boolean(value: &Value) -> Result<bool, &'static str> {
    value.as_bool().ok_or("BINDINGS: bool value expected")
}

pub(super) fn text(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("BINDINGS: string value expected")
}

pub(super) fn int32(value: &Value) -> Result<i32, &'static str> {
    message::int32(value).ok_or("BINDINGS: int32 value expected")
}

pub(super) fn double(value: &Value) -> Result<f64, &'static str> {
    value.as_f64().ok_or("BINDINGS: double value expected")
}

/// Bytes in base64, or in base64url, with padding or without.
pub(super) fn binary(value: &Value) -> Result<Vec<u8>, &'static str> {
    let text = value.as_str().ok_or("BINDINGS: binary value expected")?;
    let bytes = BASE64.decode(text).ok().or_else(|| Base64Url::parse(text).map(|it| it.0));
    bytes.ok_or("BINDINGS: invalid base64 string")
}

/// Bytes as DevTools writes them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
