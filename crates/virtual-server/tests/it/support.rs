//! A service on a free port, and a client that speaks plain HTTP to it.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use towline_virtual_server::{
    Service,
    http::{Settings, router, serve},
};

/// A service that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) service: Service,
    pub(crate) port: u16,
    pub(crate) token: String,
    task: JoinHandle<()>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The reason of a refusal, the member that it names (or ""), and its message.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (String, String, String) {
        assert!(self.status >= 400, "{self:?}");
        let error = self.json()["error"].take();
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        assert!(text("message").len() > 10, "{error}");
        (text("reason"), text("member"), text("message"))
    }
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(Service::default()).await
    }

    pub(crate) async fn with(service: Service) -> Self {
        let token = service.new_token().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let revealed = token.reveal();
        let router = router(service.clone(), Settings::new(token));
        let task = tokio::spawn(async move {
            serve(listener, router, std::future::pending()).await.unwrap();
        });
        Self { service, port, token: revealed, task }
    }

    /// A request with these lines in its head, to a path that begins with whatever opens it.
    pub(crate) async fn raw(&self, method: &str, path: &str, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let host = format!("Host: 127.0.0.1:{}\r\n", self.port);
        let host = if head.contains("Host:") { "" } else { host.as_str() };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{head}Connection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A body that was refused unread ends the connection early.
        let _read = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
        Answer { status, head: head.to_lowercase(), text: text.to_owned() }
    }

    /// A request with the token, and JSON if there is any.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, &format!("/{}{path}", self.token), "", &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body).await
    }

    /// A new authenticator in the default session: the path below which it is.
    pub(crate) async fn authenticator(&self, options: Value) -> String {
        let made = self.post("/v1/default/authenticators", options).await.ok();
        format!("/v1/default/authenticators/{}", made["authenticatorId"].as_str().unwrap())
    }

    /// Registers at example.org.
    pub(crate) async fn register(&self) -> Answer {
        self.post("/v1/default/create", json!({"origin": ORIGIN, "options": creation()})).await
    }

    /// Signs in at example.org.
    pub(crate) async fn sign_in(&self) -> Answer {
        let options = json!({"challenge": CHALLENGE});
        self.post("/v1/default/get", json!({"origin": ORIGIN, "options": options})).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) const ORIGIN: &str = "https://example.org";
pub(crate) const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODw";

/// What a site gives a page for a registration.
pub(crate) fn creation() -> Value {
    json!({
        "challenge": CHALLENGE,
        "rp": {"name": "Example"},
        "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {"residentKey": "required"},
    })
}
