//! `towline virtual mcp`: virtual authenticators for coding agents, by the Model Context Protocol
//! (revision 2025-11-25) over standard input and output. The service for browsers runs beside it.

mod desk;
mod message;
mod page_script;
mod phones;
#[allow(unused_qualifications, reason = "utoipa writes out the types of members")]
mod tools;

use std::{
    collections::HashMap,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::task::{AbortHandle, Id, JoinSet};

use self::{
    message::{Error, Message},
    tools::Name,
};
use super::pipe;

pub(super) use self::desk::{Addresses, Desk};

/// The revisions in which what is said here is the same, the newest last.
const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// How long calls that are under way at the end of the input may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many calls may be under way at a time.
const MOST_CALLS: usize = 64;

const INSTRUCTIONS: &str = "\
Passkeys (WebAuthn) for tests, without a device and without a person: SIMULATED authenticators \
that answer websites as real ones do. Start with make_authenticator. Then either put the script of \
page_script into the page under test, which makes navigator.credentials use it; or, without a \
browser, hand the options that the site's server sends to create_passkey or use_passkey, and post \
the result back to the site. read_log shows what the site asked. The simulated person agrees to \
everything unless `person` says otherwise.";

/// Answers the agent until the end of its input.
pub(super) async fn converse(desk: Desk) {
    let mut server = Server { desk: Arc::new(desk), calls: JoinSet::new(), names: HashMap::new() };
    let mut lines = pipe::lines();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(Ok(line)) => server.take(&line),
                None | Some(Err(_)) => break,
            },
            Some(over) = server.calls.join_next_with_id(), if !server.calls.is_empty() => {
                let id = over.map_or_else(|error| error.id(), |(id, ())| id);
                server.names.remove(&id);
            }
        }
    }
    let rest = async { while server.calls.join_next().await.is_some() {} };
    let _others_are_given_up = tokio::time::timeout(PATIENCE, rest).await;
}

/// The calls of tools that are under way: a person may be answered for while another call waits.
struct Server {
    desk: Arc<Desk>,
    calls: JoinSet<()>,
    names: HashMap<Id, (Value, AbortHandle)>,
}

impl Server {
    fn take(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match Message::read(line) {
            Ok(Message::Request { id, method, params }) => self.request(id, &method, params),
            Ok(Message::Notification { method, params }) => {
                if method == "notifications/cancelled" {
                    self.cancel(params.get("requestId"));
                }
            }
            Ok(Message::Response) => {}
            Err(error) => write(&error.answer(&Value::Null)),
        }
    }

    fn request(&mut self, id: Value, method: &str, params: Map<String, Value>) {
        let result = match method {
            "initialize" => Ok(hello(&params)),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(json!({"tools": tools::all()})),
            "tools/call" => match self.call(&id, params) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            _ => Err(Error::method(method)),
        };
        write(&match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(error) => error.answer(&id),
        });
    }

    /// Begins a call, which writes its answer when it is over.
    fn call(&mut self, id: &Value, mut params: Map<String, Value>) -> Result<(), Error> {
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = Name::read(name).ok_or_else(|| {
            Error::params(format!("there is no such tool; there are {}", Name::ALL.join(", ")))
        })?;
        let arguments = match params.remove("arguments") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err(Error::params("the arguments are no object".to_owned())),
        };
        if self.calls.len() >= MOST_CALLS {
            let message = format!("{MOST_CALLS} calls are under way; wait for one of them");
            return Err(Error::params(message));
        }
        let (desk, named) = (self.desk.clone(), id.clone());
        let begun = self.calls.spawn(async move {
            let done = desk.call(name, arguments).await;
            let (is_error, text) = match done {
                Ok(json) => (false, json.to_string()),
                Err(message) => (true, message),
            };
            let content = json!([{"type": "text", "text": text}]);
            let result = json!({"content": content, "isError": is_error});
            write(&json!({"jsonrpc": "2.0", "id": named, "result": result}));
        });
        self.names.insert(begun.id(), (id.clone(), begun));
        Ok(())
    }

    /// The agent does not want the answer any more.
    fn cancel(&self, id: Option<&Value>) {
        for (named, call) in self.names.values() {
            if Some(named) == id {
                call.abort();
            }
        }
    }
}

/// The answer to `initialize`.
fn hello(params: &Map<String, Value>) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let revision = REVISIONS.iter().rev().find(|it| Some(**it) == asked || asked.is_none());
    json!({
        "protocolVersion": revision.or(REVISIONS.last()),
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "towline-virtual", "version": env!("CARGO_PKG_VERSION")},
        "instructions": INSTRUCTIONS,
    })
}

/// Writes one line. Where nobody reads any more, the end of the input follows.
fn write(answer: &Value) {
    let mut out = io::stdout().lock();
    let _nobody_may_read = writeln!(out, "{answer}").and_then(|()| out.flush());
}
