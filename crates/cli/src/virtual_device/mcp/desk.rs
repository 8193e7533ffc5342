//! What each tool does, with the default session of the service.

use std::{fmt::Display, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use towline_virtual::{Fault, FaultPlace};
use towline_virtual_server::{
    AuthenticatorId, Base64Url, CeremonyId, FaultRule, Mediation, Notice, PageOrigin, Service,
    ServiceError, Session, StoredCredential, SwitchChange, VirtualAuthenticatorOptions,
    page::{self, Way},
};

use super::tools::{
    Ceremony, Export, Faults, Import, Log, Make, Name, Nothing, One, Person, Script, Time,
};

/// How long a ceremony is waited for if nothing is said, and at most, in seconds.
const USUAL_WAIT: f64 = 10.0;
const LONGEST_WAIT: f64 = 120.0;

/// How many notices of the log are shown if nothing is said.
const USUAL_LOG: usize = 10;

/// The result of a tool, or a sentence for the agent that says what to do.
pub(super) type Done = Result<Value, String>;

/// Where the service is.
pub(in super::super) struct Addresses {
    /// With the token.
    pub(in super::super) url: String,
    /// What pages under test are given.
    pub(in super::super) page_url: String,
}

/// The desk at which the agent asks.
pub(in super::super) struct Desk {
    service: Service,
    addresses: Addresses,
}

impl Desk {
    pub(in super::super) const fn new(service: Service, addresses: Addresses) -> Self {
        Self { service, addresses }
    }

    pub(super) async fn call(&self, name: Name, arguments: Map<String, Value>) -> Done {
        let session = &self.service.default_session();
        match name {
            Name::Status => {
                let Nothing {} = read(arguments)?;
                self.status(session)
            }
            Name::Make => make(session, read(arguments)?),
            Name::Remove => {
                let One { authenticator } = read(arguments)?;
                let id = which(session, authenticator)?;
                session.remove_authenticator(&id).map_err(said)?;
                Ok(json!({"removed": id}))
            }
            Name::Script => {
                let Script { text } = read(arguments)?;
                Ok(self.script(text))
            }
            Name::Create => ceremony(session, name, read(arguments)?).await,
            Name::Use => ceremony(session, name, read(arguments)?).await,
            Name::Person => person(session, read(arguments)?),
            Name::Log => log(session, &read(arguments)?),
            Name::Faults => faults(session, read(arguments)?),
            Name::Time => time(session, &read(arguments)?),
            Name::Export => export(session, read(arguments)?),
            Name::Import => import(session, read(arguments)?),
        }
    }

    fn status(&self, session: &Session) -> Done {
        let mut authenticators = Vec::new();
        for id in session.authenticators().map_err(said)? {
            let passkeys = session.credentials(&id).map_err(said)?;
            let passkeys: Vec<Value> = passkeys.iter().map(|it| brief(&json!(it))).collect();
            let made_from = session.options(&id).map_err(said)?;
            let open = session.questions(&id).map_err(said)?.open;
            authenticators.push(json!({
                "authenticatorId": id, "madeFrom": made_from, "passkeys": passkeys, "asked": open,
            }));
        }
        let (elapsed, held) = session.clock().map_err(said)?;
        let mut status = json!({
            "simulated": true,
            "authenticators": authenticators,
            "clock": {"elapsed": elapsed.as_secs_f64(), "held": held},
            "url": self.addresses.url,
        });
        if authenticators_are_missing(&status) {
            put(&mut status, "next", "call make_authenticator");
        }
        Ok(status)
    }

    fn script(&self, text: bool) -> Value {
        let page = &self.addresses.page_url;
        let address = format!("{page}/script.js");
        let mut json = json!({
            "scriptUrl": address,
            "element": format!("<script src=\"{address}\"></script>"),
            "evaluate": format!(
                "() => new Promise((done, failed) => {{ const script = \
                 document.createElement('script'); script.src = '{address}'; script.onload = () => \
                 done('passkeys are simulated here'); script.onerror = () => failed(new \
                 Error('the page forbids it: call page_script with text')); \
                 document.head.append(script); }})"
            ),
        });
        if text {
            put(&mut json, "text", page::script(&Way::Endpoint(page.clone())));
        }
        json
    }
}

fn authenticators_are_missing(status: &Value) -> bool {
    status.get("authenticators").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// The arguments of a tool.
fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, String> {
    let bad = |error| format!("the arguments can't be used: {error}; see the tool's schema");
    serde_json::from_value(Value::Object(arguments)).map_err(bad)
}

/// A value of the service's own, which is a part of the arguments.
fn value<T: DeserializeOwned>(member: impl Display, json: Value) -> Result<T, String> {
    serde_json::from_value(json).map_err(|error| format!("{member}: {error}"))
}

/// What the service says, in the words of the tools.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn said(error: ServiceError) -> String {
    match error {
        ServiceError::UnknownAuthenticator(id) => {
            format!("there is no authenticator {id}; status lists them")
        }
        ServiceError::UnknownCredential(id) => {
            format!("there is no passkey {id} in this authenticator; status lists them")
        }
        ServiceError::UnknownCeremony(id) => format!(
            "there is no ceremony {id}: its end was told already; begin another one, with `origin` \
             and `options`"
        ),
        ServiceError::Ceremony(error) => thrown(&error),
        other => other.to_string(),
    }
}

/// An end without a result, as a page is told.
fn thrown(error: &towline_virtual_server::CeremonyError) -> String {
    format!("{}: {error}; read_log shows what happened", error.name())
}

/// The authenticator of this name, or the only one.
fn which(session: &Session, named: Option<String>) -> Result<AuthenticatorId, String> {
    if let Some(name) = named {
        return Ok(AuthenticatorId::new(name));
    }
    let all = session.authenticators().map_err(said)?;
    match all.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err("there is no authenticator yet; call make_authenticator first".to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(AuthenticatorId::as_str).collect();
            Err(format!("`authenticator` is needed, as there are {}", names.join(", ")))
        }
    }
}

fn make(session: &Session, wanted: Make) -> Done {
    let mut json = json!(wanted);
    for (member, value) in wanted.options {
        if json.get(&member).is_some() {
            return Err(format!("options.{member}: it is among the arguments as well"));
        }
        put(&mut json, &member, value);
    }
    let options: VirtualAuthenticatorOptions = value("options", json)?;
    let id = session.add_authenticator(options).map_err(said)?;
    Ok(json!({"authenticatorId": id, "next": "page_script for a browser, or create_passkey"}))
}

/// A ceremony that nobody will collect if the call is cancelled.
struct Abandoned<'s> {
    session: &'s Session,
    id: Option<CeremonyId>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.session.forget_ceremony(id);
        }
    }
}

/// A registration or a sign-in.
async fn ceremony(session: &Session, name: Name, asked: Ceremony) -> Done {
    let wait = asked.wait.unwrap_or(USUAL_WAIT);
    if !(0.0..=LONGEST_WAIT).contains(&wait) {
        return Err("wait: it is no number of seconds from 0 to 120".to_owned());
    }
    let id = match (asked.ceremony_id, asked.origin, asked.options) {
        (Some(id), None, None) => CeremonyId::new(id),
        (None, Some(origin), Some(options)) => {
            // It would wait for one until time runs out.
            if session.authenticators().map_err(said)?.is_empty() {
                return Err("there is no authenticator yet; call make_authenticator first".into());
            }
            let mediation: Mediation = match asked.mediation {
                Some(text) => value("mediation", text.into())?,
                None => Mediation::default(),
            };
            let caller = PageOrigin::of(&origin).map_err(|error| said(error.into()))?;
            let options = Value::Object(options).to_string();
            let begun = match name {
                Name::Create => session.begin_create(&caller, &options, mediation),
                _ => session.begin_get(&caller, &options, mediation),
            };
            begun.map_err(said)?
        }
        _ => return Err("`origin` and `options` are needed, or `ceremonyId` alone".to_owned()),
    };
    let mut abandoned = Abandoned { session, id: Some(id.clone()) };
    let outcome = tokio::time::timeout(Duration::from_secs_f64(wait), session.finished(&id)).await;
    abandoned.id = None;
    let Ok(outcome) = outcome else {
        let mut open = Vec::new();
        for authenticator in session.authenticators().map_err(said)? {
            open.extend(session.questions(&authenticator).map_err(said)?.open);
        }
        return Ok(json!({
            "pending": true,
            "ceremonyId": id,
            "asked": open,
            "next": "answer by the tool `person`, then call this tool with this ceremonyId alone",
        }));
    };
    let response = outcome.map_err(said)?.map_err(|error| thrown(&error))?;
    // What a fault has made of it may be no JSON any more; then it is a text.
    let response = serde_json::from_str(&response).unwrap_or(Value::String(response));
    Ok(json!({"response": response}))
}

fn person(session: &Session, wanted: Person) -> Done {
    let id = which(session, wanted.authenticator)?;
    let mut json = json!({});
    if let Some(rules) = wanted.rules {
        put(&mut json, "rules", session.script_person(&id, &rules).map_err(said)?);
    }
    if wanted.is_user_consenting.is_some() || wanted.is_user_verified.is_some() {
        let change = SwitchChange {
            is_user_consenting: wanted.is_user_consenting,
            is_user_verified: wanted.is_user_verified,
            ..SwitchChange::default()
        };
        session.set_switches(&id, change).map_err(said)?;
    }
    if let Some(answer) = wanted.answer {
        let answered = session.answer(&id, &answer).map_err(said)?;
        if answered == 0 {
            return Err("nothing is being asked now; `rules` are for what will be".to_owned());
        }
        put(&mut json, "answered", answered);
    }
    let switches = session.switches(&id).map_err(said)?;
    put(&mut json, "isUserConsenting", switches.is_user_consenting);
    put(&mut json, "isUserVerified", switches.is_user_verified);
    let questions = session.questions(&id).map_err(said)?;
    put(&mut json, "open", json!(questions.open));
    put(&mut json, "heard", json!(questions.heard));
    if let Some(unmet) = questions.unmet {
        put(&mut json, "unmet", unmet);
    }
    Ok(json)
}

fn log(session: &Session, wanted: &Log) -> Done {
    let mut notices: Vec<Value> = session.log(wanted.after).iter().map(|it| shown(it)).collect();
    if wanted.requests {
        notices.retain(|it| it.get("request").is_some() || it.get("response").is_some());
    }
    let limit = wanted.limit.unwrap_or(USUAL_LOG);
    let earlier = notices.len().saturating_sub(limit);
    notices.drain(..earlier);
    Ok(json!({"notices": notices, "earlier": earlier}))
}

/// Adds a member to an object.
fn put(json: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(members) = json {
        members.insert(name.to_owned(), value.into());
    }
}

/// A notice without what an agent has no use for.
fn shown(notice: &Notice) -> Value {
    let mut json = json!(notice);
    for member in ["request", "response"] {
        if let Some(Value::Object(exchange)) = json.get_mut(member) {
            exchange.remove("bytes");
        }
    }
    if let Some(credential) = json.get_mut("credential") {
        *credential = brief(credential);
    }
    json
}

/// A passkey without its secrets.
fn brief(passkey: &Value) -> Value {
    let members = ["credentialId", "rpId", "userName", "userHandle", "signCount"];
    let there = members.iter().filter_map(|it| Some(((*it).to_owned(), passkey.get(it)?.clone())));
    Value::Object(there.collect())
}

fn faults(session: &Session, wanted: Faults) -> Done {
    let mut json = json!({});
    if let Some(find) = &wanted.find {
        let find = find.to_lowercase();
        let usable = Fault::ALL.iter().filter(|it| it.place() != FaultPlace::Report);
        let found = usable
            .map(|it| (it.to_string(), it.describe()))
            .filter(|(name, does)| name.contains(&find) || does.to_lowercase().contains(&find));
        put(
            &mut json,
            "found",
            found.map(|(name, does)| json!({"fault": name, "does": does})).collect::<Value>(),
        );
    }
    if let Some(faults) = wanted.faults {
        let id = which(session, wanted.authenticator)?;
        let rules = faults.iter().enumerate();
        let rules: Result<Vec<FaultRule>, String> =
            rules.map(|(at, it)| value(format!("faults[{at}]"), json!(it))).collect();
        session
            .set_faults(&id, rules?)
            .map_err(|error| format!("{}; `find` lists names", said(error)))?;
        put(&mut json, "faults", json!(session.faults(&id).map_err(said)?));
    } else if wanted.find.is_none() {
        let id = which(session, wanted.authenticator)?;
        put(&mut json, "faults", json!(session.faults(&id).map_err(said)?));
    }
    Ok(json)
}

fn time(session: &Session, wanted: &Time) -> Done {
    let by = Duration::try_from_secs_f64(wanted.advance);
    let by = by.map_err(|_| "advance: it is no number of seconds from 0 on".to_owned())?;
    if let Some(held) = wanted.held {
        session.hold_clock(held).map_err(said)?;
    }
    let elapsed = session.advance_clock(by).map_err(said)?;
    let (_, held) = session.clock().map_err(said)?;
    Ok(json!({"elapsed": elapsed.as_secs_f64(), "held": held}))
}

fn export(session: &Session, wanted: Export) -> Done {
    let id = which(session, wanted.authenticator)?;
    let credentials = match wanted.credential_id {
        Some(text) => {
            let credential = Base64Url::parse(&text)
                .ok_or_else(|| "credentialId: it is not base64url".to_owned())?;
            vec![session.credential(&id, &credential).map_err(said)?]
        }
        None => session.credentials(&id).map_err(said)?,
    };
    Ok(json!({"credentials": credentials}))
}

fn import(session: &Session, wanted: Import) -> Done {
    let id = which(session, wanted.authenticator)?;
    let credentials = wanted.credentials.into_iter().enumerate();
    let credentials: Result<Vec<StoredCredential>, String> = credentials
        .map(|(at, it)| value(format!("credentials[{at}]"), Value::Object(it)))
        .collect();
    let credentials = credentials?;
    for (at, credential) in credentials.iter().enumerate() {
        let put = session.add_credential(&id, credential);
        put.map_err(|error| format!("credentials[{at}] and what follows: {}", said(error)))?;
    }
    Ok(json!({"imported": credentials.len()}))
}
