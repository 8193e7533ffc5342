//! The members of an object, each read strictly: a wrong one is an `invalid argument` that names
//! it.

use serde_json::{Map, Value};

use super::error::Error;
use crate::Base64Url;

/// The members of the object that came with a command.
#[derive(Clone, Copy)]
pub(super) struct Members<'a>(pub(super) &'a Map<String, Value>);

impl Members<'_> {
    /// What the value of a member is read to be, if it is there. `null` is a value like others.
    pub(super) fn optional<T>(
        self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(name, wanted))
    }

    /// The same of a member that has to be there.
    pub(super) fn required<T>(
        self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.optional(name, wanted, read)?;
        value.ok_or_else(|| Error::argument(format!("`{name}` is missing: it is {wanted}")))
    }

    /// A member that is `true` or `false`, if it is there.
    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, Error> {
        self.optional(name, BOOLEAN, Value::as_bool)
    }
}

pub(super) const BOOLEAN: &str = "true or false";
pub(super) const TEXT: &str = "a string";

/// The error of a member that is not what it should be.
pub(super) fn wrong(name: &str, wanted: &str) -> Error {
    Error::argument(format!("`{name}` must be {wanted}"))
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(super) fn bytes(value: &Value) -> Option<Base64Url> {
    Base64Url::parse(value.as_str()?)
}

/// A number without a fraction, however it is written: to ECMAScript, 1.0 is 1.
pub(super) fn integer(value: &Value) -> Option<u64> {
    // The shortest text of such a number has no full stop and no exponent.
    value.as_u64().or_else(|| value.as_f64()?.to_string().parse().ok())
}
