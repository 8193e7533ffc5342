//! Somebody in front of the page: their browser at the site, as far as the site can tell, and the
//! buttons of the devices.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};
use towline_demo::{Demo, DemoConfig, DemoStop};
use url::{Url, form_urlencoded};

/// How long anything may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// A demonstration, and who looks at it.
pub(crate) struct Person {
    pub(crate) page: Url,
    pub(crate) sites: Vec<Url>,
    /// Where pages of the site reach the browser.
    script: Url,
    cookies: BTreeMap<String, String>,
    stop: DemoStop,
    running: JoinHandle<()>,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.stop.stop();
        self.running.abort();
    }
}

/// One request, on a connection of its own.
pub(crate) async fn send(url: &Url, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str(&format!("Host: {}\r\n", url.authority()));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A server that refuses early may reset the connection after its answer.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}

impl Person {
    /// Starts a demonstration, and looks at it.
    pub(crate) async fn new() -> Self {
        let demo = Demo::bind(DemoConfig::default()).await.unwrap();
        let page = Url::parse(&demo.url()).unwrap();
        let sites = demo.site_urls().iter().map(|url| Url::parse(url).unwrap()).collect();
        let stop = demo.stop_handle();
        let running = tokio::spawn(async move { demo.run().await.unwrap() });
        let html = send(&page, "GET", &[], "").await.body;
        let mut scripts = html.split("<script src=\"").skip(1);
        let script = scripts.find(|script| script.starts_with("http")).unwrap();
        let script = script.split('"').next().unwrap();
        let script = Url::parse(script).unwrap();
        Self { page, sites, script, cookies: BTreeMap::new(), stop, running }
    }

    // What the page shows, and its buttons.

    pub(crate) async fn press(&self, path: &str, body: Value) -> Answer {
        let url = self.page.join(path).unwrap();
        let origin = self.page.origin().ascii_serialization();
        let headers = [("Content-Type", "application/json"), ("Origin", origin.as_str())];
        send(&url, "POST", &headers, &body.to_string()).await
    }

    pub(crate) async fn state(&self) -> Value {
        send(&self.page.join("v1/state").unwrap(), "GET", &[], "").await.json()
    }

    /// Waits until the page shows something.
    pub(crate) async fn sees<T>(&self, what: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let mut after = 0;
        let seen = async {
            loop {
                let path = format!("v1/state?after={after}");
                let url = self.page.join(&path).unwrap();
                let state = send(&url, "GET", &[], "").await.json();
                if let Some(seen) = look(&state) {
                    return seen;
                }
                after = state["version"].as_u64().unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(seen) => seen,
            Err(_) => panic!("nobody ever saw {what}: {:#}", self.state().await),
        }
    }

    /// Waits until a device, or the `browser`, asks something of this kind, and answers.
    pub(crate) async fn answers(&self, device: &str, kind: &str, reply: Value) -> Value {
        let place = match device {
            "browser" => "/browser/questions".to_owned(),
            device => format!("/devices/{device}/questions"),
        };
        let asked = self
            .sees(&format!("{device} asking {kind}"), |state| {
                let asked = state.pointer(&place)?.as_array()?.iter();
                asked.into_iter().find(|asked| asked["kind"] == kind).cloned()
            })
            .await;
        let answer =
            self.press("v1/answer", json!({ "question": asked["number"], "reply": reply })).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        asked
    }

    /// Points a phone at the code, once there is one.
    pub(crate) async fn scans(&self, phone: &str) {
        self.sees("a code", |state| state["browser"]["code"].as_object().map(drop)).await;
        assert_eq!(self.press("v1/scan", json!({ "phone": phone })).await.status, 204);
    }

    /// Waits until a step of the tour is done.
    pub(crate) async fn has_done(&self, step: u8) {
        self.sees(&format!("step {step} done"), |state| {
            state["done"][step.to_string()].is_u64().then_some(())
        })
        .await;
    }

    /// How many passkeys a device shows.
    pub(crate) async fn holds(&self, device: &str, count: usize) {
        self.sees(&format!("{count} passkeys on {device}"), |state| {
            let passkeys = state["devices"][device]["passkeys"].as_array()?;
            (passkeys.len() == count).then_some(())
        })
        .await;
    }

    /// Flips a switch.
    pub(crate) async fn switches(&self, switch: Value) {
        assert_eq!(self.press("v1/switch", switch).await.status, 204);
    }

    // The site, in the frame.

    async fn visit(
        &mut self,
        url: &Url,
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut headers = headers.to_vec();
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        headers.push(("Cookie", &cookies));
        let answer = send(url, method, &headers, body).await;
        self.keeps_cookies(&answer);
        answer
    }

    fn keeps_cookies(&mut self, answer: &Answer) {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Is signed in with the password, as `home`, `work`, or not at all.
    pub(crate) async fn is_signed_in(&mut self, who: Option<&str>) {
        let answer = self.press("v1/sign-in", json!({ "account": who })).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        self.keeps_cookies(&answer);
    }

    /// Opens a page of the site, or of another, and follows where it leads.
    pub(crate) async fn opens(&mut self, url: &Url) -> Answer {
        self.lands(url, "GET", "").await
    }

    /// Sends a form.
    pub(crate) async fn posts(&mut self, url: &Url, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.lands(url, "POST", &body).await
    }

    async fn lands(&mut self, url: &Url, method: &str, body: &str) -> Answer {
        let (mut url, mut method, mut body) = (url.clone(), method, body);
        for _ in 0..10 {
            let origin = url.origin().ascii_serialization();
            let form = ("Content-Type", "application/x-www-form-urlencoded");
            let mut headers = vec![("Accept", "text/html"), form];
            if method == "POST" {
                headers.push(("Origin", origin.as_str()));
            }
            let answer = self.visit(&url, method, &headers, body).await;
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            url = url.join(answer.header("location")).unwrap();
            (method, body) = ("GET", "");
        }
        panic!("it leads on and on");
    }

    /// What the site's script sends.
    pub(crate) async fn asks_site(&mut self, path: &str, body: &Value) -> Answer {
        let url = self.sites[0].join(path).unwrap();
        let origin = self.sites[0].origin().ascii_serialization();
        let headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("Origin", origin.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.visit(&url, "POST", &headers, &body.to_string()).await
    }

    /// What the script for pages sends to the browser, in a task of its own.
    pub(crate) fn asks_browser(&self, message: &Value) -> JoinHandle<Value> {
        let endpoint = self.script.join("../page").unwrap();
        let origin = self.sites[0].origin().ascii_serialization();
        let message = message.to_string();
        tokio::spawn(async move {
            // As the script does: a text without headers of its own.
            let headers = [("Content-Type", "text/plain"), ("Origin", origin.as_str())];
            send(&endpoint, "POST", &headers, &message).await.json()
        })
    }

    /// Presses the button that adds a key; what comes of it waits for the devices.
    pub(crate) async fn adds(&mut self, name: &str, place: &str, extended: bool) -> Adding {
        let wish = json!({ "name": name, "place": place, "extended": extended });
        let begun = self.asks_site("/account/keys/begin", &wish).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let begun = begun.json();
        let asked = json!({ "ask": "create", "id": name, "options": begun["public_key"] });
        Adding { finish: "/account/keys/finish", begun, answer: self.asks_browser(&asked) }
    }

    /// Adds a key by a phone, which scans the code and is unlocked.
    pub(crate) async fn adds_by(&mut self, phone: &str, name: &str) {
        let adding = self.adds(name, "phone", false).await;
        self.scans(phone).await;
        self.answers(phone, "connect", json!("allow")).await;
        self.answers(phone, "verify", json!("finger")).await;
        self.finishes(adding).await;
    }

    /// Presses the button for a passkey alone.
    pub(crate) async fn signs_in(&mut self) -> Adding {
        let begun = self.asks_site("/session/begin", &json!({})).await.json();
        let asked = json!({ "ask": "get", "id": "sign-in", "options": begun["public_key"] });
        Adding { finish: "/session/finish", begun, answer: self.asks_browser(&asked) }
    }

    /// Hands the browser's answer to the site, which takes it.
    pub(crate) async fn finishes(&mut self, adding: Adding) {
        let answer = self.hands_over(adding).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Hands the browser's answer to the site.
    pub(crate) async fn hands_over(&mut self, adding: Adding) -> Answer {
        let Adding { finish, begun, answer } = adding;
        let answer = answer.await.unwrap();
        assert!(answer["response"].is_object(), "{answer}");
        let body = json!({ "ceremony": begun["ceremony"], "credential": answer["response"] });
        self.asks_site(finish, &body).await
    }
}

/// A ceremony that waits for devices.
pub(crate) struct Adding {
    finish: &'static str,
    begun: Value,
    pub(crate) answer: JoinHandle<Value>,
}
