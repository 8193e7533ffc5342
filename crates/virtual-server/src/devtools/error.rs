//! The errors of DevTools: the codes of JSON-RPC, with Chromium's own texts.

use serde_json::{Value, json};

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    code: i32,
    message: String,
    data: Option<String>,
}

impl Error {
    const fn new(code: i32, message: String) -> Self {
        Self { code, message, data: None }
    }

    /// The message is no JSON.
    pub(super) const fn parse(message: String) -> Self {
        Self::new(-32700, message)
    }

    /// The message is no request.
    pub(super) fn request(message: &str) -> Self {
        Self::new(-32600, message.to_owned())
    }

    /// There is no such method.
    pub(super) fn method(name: &str) -> Self {
        Self::new(-32601, format!("'{name}' wasn't found"))
    }

    /// A parameter is right in itself, but can't be used.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(-32602, message.into())
    }

    /// A parameter is not of its type, or is missing; `data` says which and how.
    pub(super) fn parameters(data: String) -> Self {
        Self { data: Some(data), ..Self::parameter("Invalid parameters") }
    }

    /// It can't be done here, or now.
    pub(super) fn server(message: impl Into<String>) -> Self {
        Self::new(-32000, message.into())
    }

    /// The `sessionId` of the message is none.
    pub(super) fn session() -> Self {
        Self::new(-32001, "Session with given id not found.".to_owned())
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { code, message, data } = self;
        let mut error = json!({ "code": code, "message": message });
        if let (Some(data), Some(error)) = (data, error.as_object_mut()) {
            error.insert("data".to_owned(), json!(data));
        }
        error
    }
}
