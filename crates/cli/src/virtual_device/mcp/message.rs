//! The messages of JSON-RPC 2.0, as far as the Model Context Protocol uses them.

use serde_json::{Map, Value, json};

/// A line of the agent's.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// It wants an answer.
    Request { id: Value, method: String, params: Map<String, Value> },
    /// It wants none.
    Notification { method: String, params: Map<String, Value> },
    /// To a request: but none is ever sent.
    Response,
}

/// Why a request has no result.
#[derive(Debug, PartialEq)]
pub(super) struct Error {
    code: i32,
    message: String,
}

impl Error {
    /// There is no such method.
    pub(super) fn method(name: &str) -> Self {
        let message = format!("there is no method {name}; the tools are below tools/list");
        Self { code: -32601, message }
    }

    /// The parameters can't be used.
    pub(super) const fn params(message: String) -> Self {
        Self { code: -32602, message }
    }

    fn request(message: &str) -> Self {
        Self { code: -32600, message: message.to_owned() }
    }

    /// The line that tells it.
    pub(super) fn answer(&self, id: &Value) -> Value {
        let error = json!({"code": self.code, "message": self.message});
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    }
}

impl Message {
    /// Reads a line.
    pub(super) fn read(line: &[u8]) -> Result<Self, Error> {
        let json: Value = serde_json::from_slice(line).map_err(|error| {
            let message = format!("the line is not JSON, or too long: {error}");
            Error { code: -32700, message }
        })?;
        let Value::Object(mut json) = json else {
            return Err(Error::request("a message is one object on one line"));
        };
        if json.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(Error::request("a message has the member `jsonrpc`: \"2.0\""));
        }
        let params = match json.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(Error::request("`params` is no object")),
        };
        let (id, method) = (json.remove("id"), json.remove("method"));
        match (id, method) {
            (None, Some(Value::String(method))) => Ok(Self::Notification { method, params }),
            (Some(id @ (Value::String(_) | Value::Number(_))), Some(Value::String(method))) => {
                Ok(Self::Request { id, method, params })
            }
            (_, None) if json.contains_key("result") || json.contains_key("error") => {
                Ok(Self::Response)
            }
            _ => Err(Error::request("a request has an `id`, a text or a number, and a `method`")),
        }
    }
}
