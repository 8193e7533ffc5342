//! A person with a browser, as far as the site can tell: forms, cookies, and a key.

use std::{collections::BTreeMap, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{Running, device::Device};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const PASSWORD: &str = "a long enough one";

/// An answer of a site.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where it leads.
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location").unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// Somebody's browser.
#[derive(Clone)]
pub(crate) struct Person {
    addr: SocketAddr,
    pub(crate) origin: String,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Headers that are sent with everything.
    pub(crate) more: Vec<(&'static str, String)>,
}

impl Person {
    pub(crate) fn new(rp: &Running) -> Self {
        Self::at(rp.addr, rp.client.origin())
    }

    pub(crate) fn at(addr: SocketAddr, origin: String) -> Self {
        Self { addr, origin, cookies: BTreeMap::new(), more: Vec::new() }
    }

    /// Sends a request as it is, beside host, cookies and length.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let host = self.origin.split_once("://").unwrap().1.to_owned();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in &self.more {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.cookies.is_empty() {
            let all: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.push_str(&format!("Cookie: {}\r\n", all.join("; ")));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A server that refuses early may reset the connection after its answer.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer { status, headers, body: body.to_owned() }
    }

    /// Opens a page.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("Accept", "text/html")], "").await
    }

    /// Sends a form, as browsers do.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let origin = self.origin.clone();
        let headers = [("Accept", "text/html"), ("Content-Type", FORM), ("Origin", &origin)];
        self.send("POST", path, &headers, &body).await
    }

    /// Sends what the script sends.
    pub(crate) async fn ask(&mut self, path: &str, body: &Value) -> Answer {
        let origin = self.origin.clone();
        let headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("Origin", &origin),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.send("POST", path, &headers, &body.to_string()).await
    }

    /// Makes an account with a password, and is signed in.
    pub(crate) async fn join(&mut self, email: &str) {
        let fields = [("email", email), ("called", "Jo Hansen"), ("password", PASSWORD)];
        assert_eq!(self.post("/join", &fields).await.leads_to(), "/account");
    }

    /// Adds a key.
    pub(crate) async fn add_key(&mut self, name: &str) -> Device {
        let key = Device::new(&self.origin);
        let begun = self.ask("/account/keys/begin", &wish(name)).await.json();
        let answer = json!({
            "ceremony": begun["ceremony"],
            "credential": key.create(&begun["public_key"]),
        });
        let done = self.ask("/account/keys/finish", &answer).await;
        assert_eq!(done.status, 200, "{done:?}");
        key
    }

    /// Types a name, and gives the step that follows.
    pub(crate) async fn begin(&mut self, email: &str, next: &str) -> String {
        let answer = self.post("/sign-in", &[("email", email), ("next", next)]).await;
        answer.leads_to().split_once("step=").unwrap().1.to_owned()
    }

    /// Signs in with a password.
    pub(crate) async fn password(&mut self, email: &str, password: &str) -> Answer {
        let step = self.begin(email, "").await;
        self.post("/sign-in/password", &[("step", &step), ("password", password)]).await
    }

    /// Signs in with a key, on the way of a step or without.
    pub(crate) async fn sign_in(&mut self, key: &Device, step: Option<&str>) -> Answer {
        let begun = self.ask("/session/begin", &json!({ "step": step })).await.json();
        let answer = json!({
            "ceremony": begun["ceremony"],
            "credential": key.get(&begun["public_key"]),
            "step": step,
        });
        self.ask("/session/finish", &answer).await
    }

    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.open("/account").await.status == 200
    }
}

/// What the script asks for when a button is pressed.
pub(crate) fn wish(name: &str) -> Value {
    json!({ "name": name, "place": "device", "extended": false })
}
