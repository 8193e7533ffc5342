//! Capabilities: what a new session is asked to be, and what it is (WebDriver §8.1).

use serde_json::{Map, Value, json};

use super::{
    error::{Error, ErrorCode},
    members::{BOOLEAN, TEXT, wrong},
    timeouts::Timeouts,
};

/// What this remote end calls itself where a browser would say its name.
const BROWSER_NAME: &str = "towline";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is supported of virtual authenticators (WebAuthn L3 §11.1 and §11.1.1), and more of the
/// same form.
const SUPPORTED: [&str; 10] = [
    "webauthn:virtualAuthenticators",
    "webauthn:extension:credBlob",
    "webauthn:extension:credProtect",
    "webauthn:extension:hmac-secret",
    "webauthn:extension:hmac-secret-mc",
    "webauthn:extension:largeBlob",
    "webauthn:extension:largeBlobKey",
    "webauthn:extension:minPinLength",
    "webauthn:extension:prf",
    "webauthn:extension:thirdPartyPayment",
];

/// A family of capabilities that is defined by WebAuthn, each `true` or `false`.
const WEBAUTHN: &str = "webauthn:";

/// What a session was asked to be, and can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capabilities {
    asked: Map<String, Value>,
    pub(super) timeouts: Timeouts,
}

impl Capabilities {
    /// Processes the parameters of New Session (§8.1.2, "process capabilities").
    ///
    /// # Errors
    /// `invalid argument` for what is not as it must be, and `session not created` where nothing of
    /// what is asked for can be had.
    pub(super) fn process(parameters: &Map<String, Value>) -> Result<Self, Error> {
        let request = parameters.get("capabilities").and_then(Value::as_object);
        let request = request.ok_or_else(|| wrong("capabilities", "an object"))?;
        let required = match request.get("alwaysMatch") {
            None => Map::new(),
            Some(value) => validate("alwaysMatch", value)?,
        };
        let first_match = match request.get("firstMatch") {
            None => vec![Map::new()],
            Some(Value::Array(list)) if !list.is_empty() => {
                list.iter().map(|it| validate("firstMatch", it)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong("firstMatch", "a list that is not empty")),
        };
        let merged = first_match.into_iter().map(|first| merge(&required, first));
        // All are merged before any is matched.
        let merged: Vec<Map<String, Value>> = merged.collect::<Result<_, _>>()?;
        let mut refused = String::new();
        for asked in merged {
            match mismatch(&asked) {
                None => {
                    let timeouts = asked.get("timeouts").and_then(Value::as_object);
                    let timeouts = timeouts
                        .map_or(Ok(Timeouts::default()), |it| Timeouts::default().changed(it))?;
                    return Ok(Self { asked, timeouts });
                }
                Some(reason) => refused = reason,
            }
        }
        Err(Error::new(ErrorCode::SessionNotCreated, refused))
    }

    /// What the session is, as New Session says it.
    pub(super) fn to_json(&self) -> Value {
        let asked = |name: &str, or: Value| self.asked.get(name).cloned().unwrap_or(or);
        let mut all = json!({
            "acceptInsecureCerts": asked("acceptInsecureCerts", json!(false)),
            "browserName": BROWSER_NAME,
            "browserVersion": VERSION,
            "pageLoadStrategy": asked("pageLoadStrategy", json!("normal")),
            "platformName": platform_name(),
            "proxy": asked("proxy", json!({})),
            "setWindowRect": false,
            "strictFileInteractability": asked("strictFileInteractability", json!(false)),
            "timeouts": self.timeouts.to_json(),
            "unhandledPromptBehavior": asked("unhandledPromptBehavior", json!("dismiss and notify")),
            "userAgent": format!("{BROWSER_NAME}/{VERSION}"),
        });
        if let Some(all) = all.as_object_mut() {
            all.extend(SUPPORTED.map(|name| (name.to_owned(), json!(true))));
        }
        all
    }
}

/// Whether authenticators here can have this extension.
pub(super) fn has_extension(name: &str) -> bool {
    let names = SUPPORTED.iter().filter_map(|it| it.strip_prefix("webauthn:extension:"));
    names.into_iter().any(|known| known == name)
}

fn platform_name() -> &'static str {
    match std::env::consts::OS {
        "macos" => "mac",
        other => other,
    }
}

/// Checks each capability by itself (§8.1.2, "validate capabilities"). Those that are `null` are
/// as if they were not there.
fn validate(place: &str, capabilities: &Value) -> Result<Map<String, Value>, Error> {
    let capabilities = capabilities.as_object().ok_or_else(|| match place {
        "firstMatch" => wrong(place, "a list of objects"),
        _ => wrong(place, "an object"),
    })?;
    let mut valid = Map::new();
    for (name, value) in capabilities {
        if value.is_null() {
            continue;
        }
        check(name, value)?;
        valid.insert(name.clone(), value.clone());
    }
    Ok(valid)
}

fn check(name: &str, value: &Value) -> Result<(), Error> {
    let (wanted, right) = match name {
        "acceptInsecureCerts" | "setWindowRect" | "strictFileInteractability" | "webSocketUrl" => {
            (BOOLEAN, value.is_boolean())
        }
        "browserName" | "browserVersion" | "platformName" => (TEXT, value.is_string()),
        "pageLoadStrategy" => one_of(value, "`none`, `eager` or `normal`"),
        "proxy" => ("an object with a proxyType", is_proxy(value)),
        "timeouts" => {
            let timeouts = value.as_object().ok_or_else(|| wrong(name, "an object"))?;
            return Timeouts::default().changed(timeouts).map(|_| ());
        }
        "unhandledPromptBehavior" => one_of(
            value,
            "`accept`, `dismiss`, `accept and notify`, `dismiss and notify` or `ignore`",
        ),
        _ if name.starts_with(WEBAUTHN) => (BOOLEAN, value.is_boolean()),
        // Those of others mean nothing here.
        _ if name.contains(':') => return Ok(()),
        _ => return Err(Error::argument(format!("`{name}` is no capability"))),
    };
    if right { Ok(()) } else { Err(wrong(name, wanted)) }
}

/// Whether the value is one of those that stand between backquotes.
fn one_of<'a>(value: &Value, words: &'a str) -> (&'a str, bool) {
    (words, value.as_str().is_some_and(|it| words.split('`').skip(1).step_by(2).any(|w| w == it)))
}

fn is_proxy(value: &Value) -> bool {
    let proxy_type = value.as_object().map(|proxy| proxy.get("proxyType"));
    match proxy_type {
        // Empty, as some clients send it.
        Some(None) => true,
        Some(Some(of)) => one_of(of, "`pac` `direct` `autodetect` `system` `manual`").1,
        None => false,
    }
}

/// Puts both together, which must have nothing in common (§8.1.2, "merging capabilities").
fn merge(
    required: &Map<String, Value>,
    first: Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    let mut merged = required.clone();
    for (name, value) in first {
        if required.contains_key(&name) {
            let message = format!("`{name}` is in alwaysMatch and in firstMatch: keep one of them");
            return Err(Error::argument(message));
        }
        merged.insert(name, value);
    }
    Ok(merged)
}

/// What of it can't be had (§8.1.2, "matching capabilities").
fn mismatch(asked: &Map<String, Value>) -> Option<String> {
    let differs = |name: &str, is: &str| {
        let wanted = asked.get(name).and_then(Value::as_str).filter(|wanted| *wanted != is)?;
        Some(format!("`{name}` is `{is}` here, and not `{wanted}`: ask for that, or leave it out"))
    };
    let asked_for = |name: &str| asked.get(name) == Some(&Value::Bool(true));
    let not_here = |name: &str| asked_for(name).then(|| format!("there is no `{name}` here"));
    differs("browserName", BROWSER_NAME)
        .or_else(|| differs("browserVersion", VERSION))
        .or_else(|| differs("platformName", platform_name()))
        .or_else(|| not_here("setWindowRect"))
        .or_else(|| not_here("webSocketUrl"))
        .or_else(|| {
            let mut unknown = asked.keys().filter(|name| {
                name.starts_with(WEBAUTHN) && asked_for(name) && !SUPPORTED.contains(&name.as_str())
            });
            unknown.next().and_then(|name| not_here(name))
        })
}
