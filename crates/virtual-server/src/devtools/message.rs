//! A message from a client: JSON-RPC as DevTools speaks it.

use serde_json::{Map, Value, json};

use super::error::Error;

/// A command of a client, as it came.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) id: i32,
    pub(super) method: String,
    /// `None` where there are none, or they are no object.
    pub(super) params: Option<Map<String, Value>>,
    /// Which of the sessions on the connection it is for; `None` for that of the connection itself.
    pub(super) session: Option<String>,
}

/// An error, and as much of a request as can be named in the response.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) id: Option<i32>,
    pub(super) error: Error,
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Refused`] for what is no request.
    pub(super) fn read(text: &str) -> Result<Self, Refused> {
        let anonymous = |error| Refused { id: None, error };
        let message: Value =
            serde_json::from_str(text).map_err(|error| anonymous(not_json(text, &error)))?;
        let Value::Object(mut message) = message else {
            return Err(anonymous(Error::request("Message must be an object")));
        };
        let id = message.remove("id").as_ref().and_then(int32);
        let Some(id) = id else {
            return Err(anonymous(Error::request("Message must have integer 'id' property")));
        };
        let refused = |text| Refused { id: Some(id), error: Error::request(text) };
        let method = match message.remove("method") {
            Some(Value::String(method)) if !method.is_empty() => method,
            _ => return Err(refused("Message must have string 'method' property")),
        };
        let params = match message.remove("params") {
            Some(Value::Object(params)) => Some(params),
            None | Some(Value::Null | Value::Array(_)) => None,
            Some(_) => return Err(refused("Message may have object 'params' property")),
        };
        let session = match message.remove("sessionId") {
            Some(Value::String(session)) => Some(session).filter(|it| !it.is_empty()),
            None => None,
            Some(_) => return Err(refused("Message may have string 'sessionId' property")),
        };
        if !message.is_empty() {
            let text = "Message has property other than 'id', 'method', 'sessionId', 'params'";
            return Err(refused(text));
        }
        Ok(Self { id, method, params, session })
    }

    /// The response to it.
    pub(super) fn respond(&self, result: Result<Value, Error>) -> String {
        let mut response = match result {
            Ok(result) => json!({ "id": self.id, "result": result }),
            Err(error) => json!({ "id": self.id, "error": error.to_json() }),
        };
        address(&mut response, self.session.as_deref());
        response.to_string()
    }
}

impl Refused {
    /// The response, as far as anybody can be answered.
    pub(super) fn respond(&self) -> String {
        let error = self.error.to_json();
        match self.id {
            Some(id) => json!({ "id": id, "error": error }).to_string(),
            None => json!({ "error": error }).to_string(),
        }
    }
}

/// An event of this session.
pub(super) fn event(method: &str, params: &Value, session: Option<&str>) -> String {
    let mut event = json!({ "method": method, "params": params });
    address(&mut event, session);
    event.to_string()
}

fn address(message: &mut Value, session: Option<&str>) {
    if let (Some(session), Some(message)) = (session, message.as_object_mut()) {
        message.insert("sessionId".to_owned(), json!(session));
    }
}

/// A number of 32 bits, however it is written: to ECMAScript, 1.0 is 1.
pub(super) fn int32(value: &Value) -> Option<i32> {
    match value.as_i64() {
        Some(number) => number.try_into().ok(),
        None => value.as_f64()?.to_string().parse().ok(),
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> Error {
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let position = before.map(str::len).fold(error.column(), usize::saturating_add);
    let (what, position) = match text.is_empty() {
        true => ("no input", 0),
        false => ("invalid token", position.saturating_sub(1)),
    };
    Error::parse(format!("JSON: {what} at position {position}"))
}
