//! The timeouts of a session (WebDriver §9). Nothing here takes so long that they would matter;
//! they are kept because clients set them and ask for them.

use serde_json::{Map, Value, json};

use super::{
    error::Error,
    members::{integer, wrong},
};

/// The largest number that every client can read, in milliseconds.
const LONGEST: u64 = (1 << 53) - 1;

/// The timeouts of a session, in milliseconds; `None` is no timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timeouts {
    script: Option<u64>,
    page_load: Option<u64>,
    implicit: Option<u64>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { script: Some(30_000), page_load: Some(300_000), implicit: Some(0) }
    }
}

impl Timeouts {
    /// The same with those that the object names ("deserialize as timeouts configuration").
    ///
    /// # Errors
    /// `invalid argument` for another name, or a value that is no number of milliseconds.
    pub(super) fn changed(mut self, object: &Map<String, Value>) -> Result<Self, Error> {
        for (name, value) in object {
            let timeout = match name.as_str() {
                "script" => &mut self.script,
                "pageLoad" => &mut self.page_load,
                "implicit" => &mut self.implicit,
                _ => return Err(Error::argument(format!("`{name}` is no timeout"))),
            };
            *timeout = match value {
                Value::Null => None,
                value => {
                    let wanted = "a whole number of milliseconds, or null";
                    let number = integer(value).filter(|number| *number <= LONGEST);
                    Some(number.ok_or_else(|| wrong(name, wanted))?)
                }
            };
        }
        Ok(self)
    }

    pub(super) fn to_json(self) -> Value {
        let Self { script, page_load, implicit } = self;
        json!({ "script": script, "pageLoad": page_load, "implicit": implicit })
    }
}
