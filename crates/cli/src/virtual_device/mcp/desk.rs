//! What each tool does, with the default session of the service.

use std::{fmt::Display, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use towline_virtual::{Fault, FaultPlace};
use towline_virtual_server::{
    AuthenticatorId, Base64Url, CeremonyId, FaultRule, Mediation, Notice, PageOrigin, PhoneId,
    Service, ServiceError, Session, StoredCredential, SwitchChange, VirtualAuthenticatorOptions,
};

use super::{
    page_script, phones,
    tools::{Ceremony, Credentials, Faults, Log, Make, Name, Nothing, One, Person, Script, Time},
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
                let Script { text, by_hand } = read(arguments)?;
                Ok(if by_hand {
                    page_script::by_hand()
                } else {
                    page_script::connected(&self.addresses.page_url, text)
                })
            }
            Name::Create => ceremony(session, name, read(arguments)?).await,
            Name::Use => ceremony(session, name, read(arguments)?).await,
            Name::Person => person(session, read(arguments)?),
            Name::Log => log(session, &read(arguments)?),
            Name::Faults => faults(session, read(arguments)?),
            Name::Time => time(session, &read(arguments)?),
            Name::Credentials => credentials(session, read(arguments)?),
            Name::Scan => phones::scan(session, read(arguments)?).await,
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
        let phones = session.phones().map_err(said)?;
        if !phones.is_empty() {
            put(&mut status, "phones", phones.iter().map(phones::shown).collect::<Value>());
        }
        if authenticators_are_missing(&status) {
            put(&mut status, "next", "call make_authenticator");
        }
        Ok(status)
    }
}

fn authenticators_are_missing(status: &Value) -> bool {
    status.get("authenticators").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// The arguments of a tool. Names in snake case are taken as well.
fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, String> {
    let arguments = arguments.into_iter().map(|(name, value)| (in_camel_case(&name), value));
    let arguments: Map<String, Value> = arguments.collect();
    let bad = |error| format!("the arguments can't be used: {error}; see the tool's schema");
    serde_json::from_value(Value::Object(arguments)).map_err(bad)
}

fn in_camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|it| it.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}

/// How long a call waits, in seconds from 0 to 120; 10 if nothing is said.
pub(super) fn seconds(wait: Option<f64>) -> Result<Duration, String> {
    let wait = wait.unwrap_or(USUAL_WAIT);
    let wait = Some(wait).filter(|it| (0.0..=LONGEST_WAIT).contains(it));
    let wait = wait.and_then(|it| Duration::try_from_secs_f64(it).ok());
    wait.ok_or_else(|| "wait: it is no number of seconds from 0 to 120".to_owned())
}

/// A value of the service's own, which is a part of the arguments.
fn value<T: DeserializeOwned>(member: impl Display, json: Value) -> Result<T, String> {
    serde_json::from_value(json).map_err(|error| format!("{member}: {error}"))
}

/// What the service says, in the words of the tools.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(super) fn said(error: ServiceError) -> String {
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
        ServiceError::UnknownPhone(id) => format!("there is no phone {id}; status lists them"),
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
    let wait = seconds(asked.wait)?;
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
            let options = Value::Object(with_public_key(options)).to_string();
            let begun = match name {
                Name::Create => session.begin_create(&caller, &options, mediation),
                _ => session.begin_get(&caller, &options, mediation),
            };
            begun.map_err(said)?
        }
        _ => return Err("`origin` and `options` are needed, or `ceremonyId` alone".to_owned()),
    };
    let mut abandoned = Abandoned { session, id: Some(id.clone()) };
    let outcome = tokio::time::timeout(wait, session.finished(&id)).await;
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
    let next = "post `response` to the site's server, as its page would; or, in a page with \
                page_script's byHand, evaluate towline.answer(RESPONSE)";
    Ok(json!({"response": response, "next": next}))
}

/// What some servers call `public_key` is `publicKey` to pages.
fn with_public_key(mut options: Map<String, Value>) -> Map<String, Value> {
    if let Some(inner) = options.remove("public_key") {
        options.entry("publicKey").or_insert(inner);
    }
    options
}

/// A person: in front of an authenticator, or with a phone in the hand.
enum Whose {
    Authenticator(AuthenticatorId),
    Phone(PhoneId),
}

fn whose(session: &Session, named: Option<String>) -> Result<Whose, String> {
    let phones = session.phones().map_err(said)?;
    let only = session.authenticators().map_err(said)?.is_empty() && phones.len() == 1;
    let phone = phones
        .into_iter()
        .find(|it| named.as_deref().map_or(only, |name| it.phone_id.as_str() == name));
    match phone {
        Some(phone) => Ok(Whose::Phone(phone.phone_id)),
        None => which(session, named).map(Whose::Authenticator),
    }
}

fn person(session: &Session, wanted: Person) -> Done {
    let id = whose(session, wanted.authenticator)?;
    let mut json = json!({});
    if let Some(rules) = wanted.rules {
        let count = match &id {
            Whose::Authenticator(id) => session.script_person(id, &rules),
            Whose::Phone(id) => session.script_phone(id, &rules),
        };
        put(&mut json, "rules", count.map_err(said)?);
    }
    let change = SwitchChange {
        is_user_consenting: wanted.is_user_consenting,
        is_user_verified: wanted.is_user_verified,
        ..SwitchChange::default()
    };
    let switches = match &id {
        Whose::Authenticator(id) => session.set_switches(id, change),
        Whose::Phone(id) => session.set_phone_switches(id, change),
    };
    let switches = switches.map_err(said)?;
    if let Some(answer) = wanted.answer {
        let answered = match &id {
            Whose::Authenticator(id) => session.answer(id, &answer),
            Whose::Phone(id) => session.answer_phone(id, &answer),
        };
        let answered = answered.map_err(said)?;
        if answered == 0 {
            return Err("nothing is being asked now; `rules` are for what will be".to_owned());
        }
        put(&mut json, "answered", answered);
    }
    put(&mut json, "isUserConsenting", switches.is_user_consenting);
    put(&mut json, "isUserVerified", switches.is_user_verified);
    let questions = match &id {
        Whose::Authenticator(id) => session.questions(id),
        Whose::Phone(id) => session.phone_questions(id),
    };
    let questions = questions.map_err(said)?;
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
    if let Some(find) = &wanted.find {
        notices.retain(|it| has_words(&it.to_string(), find));
    }
    let limit = wanted.limit.unwrap_or(USUAL_LOG);
    let earlier = notices.len().saturating_sub(limit);
    notices.drain(..earlier);
    Ok(json!({"notices": notices, "earlier": earlier}))
}

/// Whether all words, or parts of words, are somewhere in a text.
fn has_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// Adds a member to an object.
pub(super) fn put(json: &mut Value, name: &str, value: impl Into<Value>) {
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
        let usable = Fault::ALL.iter().filter(|it| it.place() != FaultPlace::Report);
        let usable: Vec<(String, &str)> =
            usable.map(|it| (it.to_string(), it.describe())).collect();
        let fits = |(name, does): &&(String, &str)| has_words(&format!("{name} {does}"), find);
        let mut found: Vec<_> = usable.iter().filter(fits).collect();
        if found.is_empty() {
            // Rather too much than nothing.
            let one = |(name, does): &&(String, &str)| {
                let text = format!("{name} {does}");
                find.split_whitespace().any(|word| has_words(&text, word))
            };
            found = usable.iter().filter(one).collect();
        }
        let found = found.into_iter().map(|(name, does)| json!({"fault": name, "does": does}));
        put(&mut json, "found", found.collect::<Value>());
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

fn credentials(session: &Session, wanted: Credentials) -> Done {
    let id = which(session, wanted.authenticator)?;
    let given = match (wanted.put, wanted.credential_id) {
        (Some(put), None) => return import(session, &id, put),
        (Some(_), Some(_)) => {
            return Err("`credentialId` is for reading; `put` has the ids in it".to_owned());
        }
        (None, Some(text)) => {
            let credential = Base64Url::parse(&text)
                .ok_or_else(|| "credentialId: it is not base64url".to_owned())?;
            vec![session.credential(&id, &credential).map_err(said)?]
        }
        (None, None) => session.credentials(&id).map_err(said)?,
    };
    Ok(json!({"credentials": given}))
}

fn import(session: &Session, id: &AuthenticatorId, passkeys: Vec<Map<String, Value>>) -> Done {
    let passkeys = passkeys.into_iter().enumerate();
    let passkeys: Result<Vec<StoredCredential>, String> =
        passkeys.map(|(at, it)| value(format!("put[{at}]"), Value::Object(it))).collect();
    let passkeys = passkeys?;
    for (at, passkey) in passkeys.iter().enumerate() {
        let put = session.add_credential(id, passkey);
        put.map_err(|error| format!("put[{at}] and what follows: {}", said(error)))?;
    }
    Ok(json!({"imported": passkeys.len()}))
}
