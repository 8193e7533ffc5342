//! `towline virtual pipe`: one JSON line in, one out.

use std::{
    io::{self, BufRead as _, Read as _, Write as _},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use towline_virtual::{
    Fault, PasskeyError,
    person::{BadRules, Rules},
};
use zeroize::Zeroizing;

use super::{
    ceremony,
    fields::{self, BadMember, Members, bad, text},
    moving,
    session::Session,
};
use crate::{
    args,
    exit::{Exit, Failure},
    options::{LONGEST, Verb},
    report::Report,
    stop::Stop,
};

/// How far the clock may be moved at once, in seconds: ten years.
const FURTHEST: f64 = 315_360_000.0;

/// What a line can ask for.
const VERBS: [&str; 11] = [
    "create", "get", "passkeys", "add", "change", "remove", "export", "import", "person", "faults",
    "advance",
];

/// Answers lines until there are no more.
pub(crate) async fn pipe(args: args::VirtualPipe, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let mut session = Session::new(args.device, true);
    // A file or settings of no use are said now, and not at the first line.
    session.with(|_| ())?;
    if io::IsTerminal::is_terminal(&io::stdin()) {
        report.hint("one JSON object per line; `towline virtual pipe --help` lists them");
    }
    let mut next = lines();
    let mut desk = Desk { session, origin: args.origin };
    loop {
        let line = tokio::select! {
            line = next.recv() => line,
            () = stop.wished() => return Ok(Exit::Ok),
        };
        let answer = match line {
            None => return Ok(Exit::Ok),
            Some(Ok(line)) if line.trim_ascii().is_empty() => continue,
            Some(Ok(line)) => desk.answer(&line),
            Some(Err(error)) => {
                let message = format!("standard input can't be read: {error}");
                return Err(Failure::environment("input", message));
            }
        };
        let mut out = io::stdout().lock();
        // Nobody reads any more, as at the end of a test.
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            return Ok(Exit::Ok);
        }
    }
}

/// Resolves when standard input has ended, or can't be read any more. What comes is thrown away.
pub(super) async fn end_of_input() {
    let (over, ended) = oneshot::channel::<()>();
    // As with lines: a thread that nobody waits for.
    std::thread::spawn(move || {
        let _unreadable_is_ended = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(over);
    });
    let _dropped_is_ended = ended.await;
}

/// The lines of standard input.
pub(super) fn lines() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (lines, next) = mpsc::channel(1);
    // A thread that nobody waits for at the end: the other end of a pipe may be silent for ever.
    std::thread::spawn(move || {
        while let Some(line) = read_line().transpose() {
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    });
    next
}

/// A line without its end; of one that is too long only so much that it shows. `None` at the end of
/// the input.
fn read_line() -> io::Result<Option<Vec<u8>>> {
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    let (mut line, mut input) = (Vec::new(), io::stdin().lock());
    if (&mut input).take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() > LONGEST {
        // The rest of it is no line of its own.
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

/// Why a line was not done.
enum Refusal {
    Failed(Failure),
    Member(BadMember),
    Line(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<BadMember> for Refusal {
    fn from(member: BadMember) -> Self {
        Self::Member(member)
    }
}

impl Refusal {
    fn written(self) -> Value {
        match self {
            Self::Failed(Failure { reason, message, exception: Some(name), .. }) => {
                json!({ "name": name, "reason": reason, "message": message })
            }
            Self::Failed(Failure { reason, message, .. }) => {
                json!({ "reason": reason, "message": message })
            }
            Self::Member(BadMember { member, message }) => {
                json!({ "member": member, "reason": "member", "message": message })
            }
            Self::Line(message) => json!({ "reason": "line", "message": message }),
        }
    }
}

struct Desk {
    session: Session,
    /// The origin of lines that name none.
    origin: Option<String>,
}

impl Desk {
    fn answer(&mut self, line: &[u8]) -> Value {
        let (id, answer) = match read(line) {
            Ok(mut members) => {
                let id = members.remove("id").unwrap_or(Value::Null);
                (id, self.carry_out(members))
            }
            Err(refusal) => (Value::Null, Err(refusal)),
        };
        let (name, value) = answer.unwrap_or_else(|refusal| ("error", refusal.written()));
        json!({ "id": id, name: value })
    }

    fn carry_out(
        &mut self,
        mut line: Map<String, Value>,
    ) -> Result<(&'static str, Value), Refusal> {
        let asked: Vec<&str> = VERBS.into_iter().filter(|verb| line.contains_key(*verb)).collect();
        let [verb] = asked[..] else {
            let wanted = VERBS.join(", ");
            let how = if asked.is_empty() { "none" } else { "more than one" };
            return Err(Refusal::Line(format!("a line has one of {wanted}, and this has {how}")));
        };
        let value = line.remove(verb).unwrap_or_default();
        let rest = Members::of_line(line);
        match verb {
            "create" => self.ceremony(Verb::Create, &value, rest),
            "get" => self.ceremony(Verb::Get, &value, rest),
            "passkeys" => {
                rest.end()?;
                let passkeys = self.session.with(|device| device.passkeys())?;
                Ok(("passkeys", passkeys.iter().map(fields::written).collect()))
            }
            "add" => {
                rest.end()?;
                let passkey = fields::read(value)?;
                let id = fields::id_text(passkey.id());
                let added = self.session.with(|device| device.add(passkey))?;
                added.map_err(|error| refused("add.privateKey", &error))?;
                Ok(("added", id.into()))
            }
            "change" => {
                rest.end()?;
                let changes = fields::Changes::read(value)?;
                let id = changes.id.clone();
                let changed = self.session.with(|device| {
                    // Looked through first, so that it is made as a whole or not at all.
                    let unknown = PasskeyError::Unknown;
                    let passkey = device.passkey(&id);
                    let mut passkey =
                        passkey.ok_or_else(|| refused("change.credentialId", &unknown))?;
                    changes.apply(&mut passkey)?;
                    let changed = device.change(&id, |it| *it = passkey);
                    changed.map_err(|error| refused("change.credentialId", &error))
                })?;
                changed?;
                Ok(("changed", fields::id_text(&id).into()))
            }
            "remove" => {
                rest.end()?;
                let id = fields::id(&value).ok_or_else(|| bad("remove", "an id as base64url"))?;
                if !self.session.with(|device| device.remove(&id))? {
                    return Err(refused("remove", &PasskeyError::Unknown).into());
                }
                Ok(("removed", fields::id_text(&id).into()))
            }
            "export" => {
                rest.end()?;
                let export = self.session.with(|device| device.export())?;
                Ok(("exported", moving::exported(&export)?))
            }
            "import" => {
                rest.end()?;
                let document = Zeroizing::new(value.to_string());
                let reports = self.session.with(|device| device.import(document.as_bytes()))?;
                let reports = reports.map_err(|error| BadMember {
                    member: "import".into(),
                    message: error.to_string(),
                })?;
                Ok(("imported", reports.iter().map(moving::imported).collect()))
            }
            "person" => {
                rest.end()?;
                let rules = text(&value).ok_or_else(|| bad("person", "a text"))?;
                let rules: Rules = rules.parse().map_err(|error: BadRules| BadMember {
                    member: "person".into(),
                    message: error.to_string(),
                })?;
                let count = rules.len();
                self.session.script(rules);
                Ok(("person", count.into()))
            }
            "faults" => {
                rest.end()?;
                let faults = faults(&value)?;
                let count = faults.len();
                self.session.inject(faults);
                Ok(("faults", count.into()))
            }
            _ => {
                rest.end()?;
                let seconds = value.as_f64().filter(|it| (0.0..=FURTHEST).contains(it));
                let wanted = "a number of seconds, up to ten years";
                let by = Duration::from_secs_f64(seconds.ok_or_else(|| bad("advance", wanted))?);
                let elapsed = self.session.with(|device| {
                    device.clock().advance(by);
                    device.clock().elapsed()
                })?;
                Ok(("elapsed", elapsed.as_secs_f64().into()))
            }
        }
    }

    fn ceremony(
        &mut self,
        verb: Verb,
        options: &Value,
        mut rest: Members,
    ) -> Result<(&'static str, Value), Refusal> {
        let origin = rest.optional("origin", "a text", text)?.or_else(|| self.origin.clone());
        let origin = origin.ok_or_else(|| rest.says("origin", "it is missing".into()))?;
        rest.end()?;
        let options = options.to_string();
        let result = self.session.with(|device| ceremony(device, verb, &origin, &options))?;
        let response = serde_json::from_str(&result?);
        let response = response.map_err(|error| {
            Failure::new(Exit::Failed, "failed", format!("the response is not JSON: {error}"))
        })?;
        Ok(("response", response))
    }
}

fn refused(member: &str, why: &PasskeyError) -> BadMember {
    BadMember { member: member.into(), message: why.to_string() }
}

/// The faults of a list of names.
fn faults(value: &Value) -> Result<Vec<Fault>, BadMember> {
    let names = value.as_array().ok_or_else(|| bad("faults", "a list of names"))?;
    let fault = |(index, name): (usize, &Value)| {
        let member = format!("faults[{index}]");
        let fault = name.as_str().and_then(|name| name.parse().ok());
        let fault = fault.ok_or_else(|| bad(&member, "the name of a fault"))?;
        args::usable(fault).map_err(|message| BadMember { member, message })
    };
    names.iter().enumerate().map(fault).collect()
}

/// The members of a line.
fn read(line: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if line.len() > LONGEST {
        let message = format!("a line is at most {} KiB long", LONGEST / 1024);
        return Err(Refusal::Line(message));
    }
    match serde_json::from_slice(line) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::Line("a line is a JSON object".into())),
        Err(error) => Err(Refusal::Line(format!("it is not JSON: {error}"))),
    }
}
