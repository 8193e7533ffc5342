//! What people read while the database is full, read-only or held by somebody, over HTTP.

use std::{sync::Arc, time::Duration};

use http::{Request, header};
use rusqlite::Connection;
use serde_json::{Value, json};
use towline_pages::{Language, exchange};
use towline_virtual::VirtualAuthenticator;
use url::form_urlencoded;

use super::*;
use crate::{
    StrictVerifier,
    store::{accounts, tests::File},
    texts::{self, errors::Errors},
};

const PASSWORD: &str = "a long enough one";
const EMAIL: &str = "jo@example.org";

/// A form: where it is sent, with which fields, and where it leads.
type Form = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Those of somebody who is signed in and has two keys.
const FORMS: [Form; 6] = [
    ("/account/keys/1/rename", &[("name", "new name")], "/account?done=renamed&key=1"),
    ("/account/name", &[("called", "Johanna")], "/account?done=called"),
    ("/account/second-factor", &[("on", "yes")], "/account?done=saved"),
    ("/account/password", &[("current", PASSWORD), ("new", "another one")], "/account?done=saved"),
    ("/account/password/drop", &[], "/account?done=saved"),
    ("/account/keys/2/remove", &[], "/account?done=removed&key=second"),
];

/// What an answer is made of.
#[derive(Debug)]
struct Answered {
    status: u16,
    leads_to: String,
    body: String,
}

/// A browser that keeps one cookie and asks for pages in one language.
struct Browser {
    port: u16,
    language: Language,
    cookie: Option<String>,
}

impl Browser {
    fn new(port: u16) -> Self {
        Self { port, language: Language::English, cookie: None }
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    async fn send(&mut self, method: &str, path: &str, kinds: [&str; 2], body: String) -> Answered {
        let [accepted, sent] = kinds;
        let mut request = Request::builder()
            .method(method)
            .uri(self.origin() + path)
            .header(header::ORIGIN, self.origin())
            .header(header::ACCEPT, accepted)
            .header(header::ACCEPT_LANGUAGE, self.language.tag())
            .header(header::CONTENT_TYPE, sent);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(body.into_bytes()).unwrap();
        let answer = exchange("127.0.0.1", self.port, request).await.unwrap();
        let text = |name| answer.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
        if let Some(cookie) = text(header::SET_COOKIE) {
            let cookie = cookie.split(';').next().unwrap().to_owned();
            self.cookie = (!cookie.ends_with('=')).then_some(cookie);
        }
        Answered {
            status: answer.status().as_u16(),
            leads_to: text(header::LOCATION).unwrap_or_default(),
            body: String::from_utf8(answer.into_body()).unwrap(),
        }
    }

    async fn open(&mut self, path: &str) -> Answered {
        self.send("GET", path, ["text/html", "text/plain"], String::new()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answered {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, ["text/html", "application/x-www-form-urlencoded"], body).await
    }

    async fn ask(&mut self, path: &str, body: Value) -> Answered {
        self.send("POST", path, ["application/json"; 2], body.to_string()).await
    }

    async fn join(&mut self, email: &str) -> Answered {
        let fields = [("email", email), ("called", "Jo Hansen"), ("password", PASSWORD)];
        self.post("/join", &fields).await
    }

    /// Signs in with the password, up to what that answers.
    async fn password(&mut self) -> Answered {
        let step = self.post("/sign-in", &[("email", EMAIL)]).await.leads_to;
        let step = step.split_once("step=").unwrap().1;
        self.post("/sign-in/password", &[("step", step), ("password", PASSWORD)]).await
    }

    /// Adds a key on this device, or signs in with it, up to what that answers.
    async fn uses(&mut self, device: &VirtualAuthenticator, add: Option<&str>) -> Answered {
        let (place, wish) = match add {
            Some(name) => {
                ("/account/keys", json!({ "name": name, "place": "device", "extended": false }))
            }
            None => ("/session", json!({})),
        };
        let begun = self.ask(&format!("{place}/begin"), wish).await;
        let begun: Value = serde_json::from_str(&begun.body).unwrap();
        let (origin, options) = (self.origin(), begun["public_key"].to_string());
        let credential = match add {
            Some(_) => device.create(&origin, &options),
            None => device.get(&origin, &options),
        };
        let credential: Value = serde_json::from_str(&credential.unwrap()).unwrap();
        let answer = json!({ "ceremony": begun["ceremony"], "credential": credential });
        self.ask(&format!("{place}/finish"), answer).await
    }
}

/// Something that is wrong with the database until it is dropped or ended.
enum Trouble {
    ReadOnly,
    /// No page can be added, and what is changed in these tables needs one.
    Full(&'static [&'static str]),
    /// Another connection has it, as another process would.
    Held(Option<Connection>),
}

const EVERYTHING: &[&str] = &["accounts", "keys", "sign_ins", "sessions"];

impl Trouble {
    async fn begins(&mut self, site: &Site, file: &File) {
        match self {
            Self::ReadOnly => pragma(site, "query_only", 1).await,
            Self::Full(tables) => {
                let mut triggers = "CREATE TABLE ballast (it BLOB);".to_owned();
                for table in *tables {
                    for change in ["INSERT", "UPDATE", "DELETE"] {
                        triggers += &format!(
                            "CREATE TEMP TRIGGER {table}_{change} AFTER {change} ON main.{table}
                             BEGIN INSERT INTO ballast VALUES (zeroblob(65536)); END;"
                        );
                    }
                }
                let pages = site.store.run(move |db| {
                    db.execute_batch(&triggers)?;
                    Ok(db.pragma_query_value(None, "page_count", |row| row.get(0))?)
                });
                let pages: i64 = pages.await.unwrap();
                pragma(site, "max_page_count", pages).await;
            }
            Self::Held(held) => {
                site.store.run(|db| Ok(db.busy_timeout(Duration::ZERO)?)).await.unwrap();
                let other = Connection::open(&file.0).unwrap();
                other.execute_batch("BEGIN EXCLUSIVE").unwrap();
                *held = Some(other);
            }
        }
    }

    async fn ends(&mut self, site: &Site) {
        match self {
            Self::ReadOnly => pragma(site, "query_only", 0).await,
            Self::Full(_) => pragma(site, "max_page_count", 1 << 30).await,
            Self::Held(held) => *held = None,
        }
    }

    /// What is answered meanwhile.
    fn says(&self, errors: &Errors) -> (u16, &'static str) {
        match self {
            Self::ReadOnly => (503, errors.storage_read_only),
            Self::Full(_) => (507, errors.storage_full),
            Self::Held(_) => (503, errors.storage_busy),
        }
    }
}

async fn pragma(site: &Site, name: &'static str, value: i64) {
    let set = move |db: &mut Connection| Ok(db.pragma_update(None, name, value)?);
    site.store.run(set).await.unwrap();
}

/// A site with a database in a file, and somebody who is signed in and has two keys there.
struct Stage {
    file: File,
    site: Arc<Site>,
    stop: Shutdown,
    jo: Browser,
    key: VirtualAuthenticator,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.shutdown();
    }
}

impl Stage {
    async fn set(name: &str) -> Self {
        let file = File::new(name);
        let config = RpConfig { data: Some(file.0.clone()), ..RpConfig::default() };
        let provider = config.provider.clone();
        let server = RpServer::bind(config, |identity| StrictVerifier::new(identity, provider));
        let server = server.await.unwrap();
        let (site, stop) = (server.site.clone(), server.shutdown_handle());
        let mut jo = Browser::new(server.local_addr().port());
        tokio::spawn(server.run());
        assert_eq!(jo.join(EMAIL).await.leads_to, "/account");
        let key = VirtualAuthenticator::synced_passkey();
        assert_eq!(jo.uses(&key, Some("first")).await.status, 200);
        let second = VirtualAuthenticator::synced_passkey();
        assert_eq!(jo.uses(&second, Some("second")).await.status, 200);
        Self { file, site, stop, jo, key }
    }

    /// Somebody at another browser.
    fn elsewhere(&self) -> Browser {
        Browser { language: self.jo.language, ..Browser::new(self.jo.port) }
    }

    /// The rows of each table that people's forms change.
    async fn rows(&self) -> Vec<i64> {
        let rows = self.site.store.run(|db| {
            let count = |table: &&str| {
                db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            };
            Ok(EVERYTHING.iter().map(count).collect::<Result<_, _>>()?)
        });
        rows.await.unwrap()
    }
}

async fn is_survived(name: &str, mut trouble: Trouble) {
    let mut stage = Stage::set(name).await;
    let new = || VirtualAuthenticator::synced_passkey();
    let before = stage.rows().await;
    trouble.begins(&stage.site, &stage.file).await;
    for language in Language::ALL {
        stage.jo.language = language;
        let (status, sentence) = trouble.says(&texts::of(language).errors);
        let mut answers = Vec::new();
        for (path, fields, _) in FORMS {
            answers.push((path, stage.jo.post(path, fields).await));
        }
        answers.push(("adding a key", stage.jo.uses(&new(), Some("third")).await));
        answers.push(("joining", stage.elsewhere().join("new@example.org").await));
        answers.push(("a password", stage.elsewhere().password().await));
        answers.push(("a key", stage.elsewhere().uses(&stage.key, None).await));
        // The browser forgets it, which is all that can be done now.
        let mut other = stage.elsewhere();
        other.cookie.clone_from(&stage.jo.cookie);
        answers.push(("signing out", other.post("/sign-out", &[]).await));
        assert_eq!(other.cookie, None);
        for (what, answer) in answers {
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            assert!(answer.body.contains(sentence), "{what}: {answer:?}");
        }
        // All else is as it was: whoever is signed in still is, and sees what there is.
        for path in ["/account/add", "/account/keys/1/rename", "/account/keys/2/remove", "/"] {
            assert_eq!(stage.jo.open(path).await.status, 200, "{path}");
        }
        let account = stage.jo.open("/account").await;
        assert_eq!(account.status, 200, "{account:?}");
        for kept in ["<bdi>first</bdi>", "<bdi>second</bdi>", "Jo Hansen"] {
            assert!(account.body.contains(kept), "{kept}: {account:?}");
        }
    }
    assert_eq!(stage.rows().await, before);
    trouble.ends(&stage.site).await;

    stage.jo.language = Language::English;
    assert_eq!(stage.elsewhere().join("new@example.org").await.leads_to, "/account");
    assert_eq!(stage.elsewhere().password().await.leads_to, "/account");
    assert_eq!(stage.elsewhere().uses(&stage.key, None).await.status, 200);
    assert_eq!(stage.jo.uses(&new(), Some("third")).await.status, 200);
    for (path, fields, leads_to) in FORMS {
        assert_eq!(stage.jo.post(path, fields).await.leads_to, leads_to, "{path}");
    }
    let account = stage.jo.open("/account").await.body;
    for there in ["<bdi>new name</bdi>", "<bdi>third</bdi>", "Johanna"] {
        assert!(account.contains(there), "{there}: {account}");
    }
    assert_eq!(stage.jo.post("/sign-out", &[]).await.leads_to, "/");
}

#[tokio::test]
async fn a_database_that_is_read_only_is_survived() {
    is_survived("http-read-only", Trouble::ReadOnly).await;
}

#[tokio::test]
async fn a_database_that_is_full_is_survived() {
    is_survived("http-full", Trouble::Full(EVERYTHING)).await;
}

#[tokio::test]
async fn a_database_that_somebody_holds_is_survived() {
    is_survived("http-held", Trouble::Held(None)).await;
}

/// “Nothing was saved” is so: not an account without the session that came with it.
#[tokio::test]
async fn what_is_saved_together_is_saved_whole_or_not_at_all() {
    let stage = Stage::set("http-whole").await;
    let before = stage.rows().await;
    let mut trouble = Trouble::Full(&["sign_ins"]);
    trouble.begins(&stage.site, &stage.file).await;
    assert_eq!(stage.elsewhere().join("new@example.org").await.status, 507);
    assert_eq!(stage.elsewhere().password().await.status, 507);
    assert_eq!(stage.rows().await, before);
    let made = stage.site.store.run(|db| accounts::by_name(db, "new@example.org")).await;
    assert!(made.unwrap().is_none());
    trouble.ends(&stage.site).await;
    assert_eq!(stage.elsewhere().join("new@example.org").await.leads_to, "/account");
}
