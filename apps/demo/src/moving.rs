//! Passkeys that leave a phone in a file, and those that come to another one.

use std::{
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use towline::crypto::{CryptoProvider, zeroize::Zeroizing};
use towline_exchange::{
    Candidate, Export, Exporter, Import, ImportLimits, Importer, ItemOutcome, LeftOut,
};
use towline_virtual::{
    Passkey,
    authenticator::{Custody, UnixTime},
};

use crate::{
    board::{Board, Document, Place},
    desk::{Asked, Desk, Reply},
    devices::DeviceId,
    shelf::Shelf,
};

/// Where files lie: on no device of the page.
const FILE: Place = Place::Other("file");

/// Anna's number in all of her files; a real manager draws one for each person.
const ACCOUNT: [u8; 16] = *b"towline-demo-001";

/// Members of a document that hold secrets, wherever they are.
const SECRETS: [&str; 4] = ["key", "credWithUV", "credWithoutUV", "credBlob"];

/// What a phone needs for that.
pub(crate) struct Mover {
    pub(crate) id: DeviceId,
    /// The phone's passkeys.
    pub(crate) passkeys: Shelf,
    pub(crate) provider: CryptoProvider,
    pub(crate) desk: Desk,
    pub(crate) board: Board,
}

impl Mover {
    /// Writes the passkeys that may leave into a file, if the person wants that.
    pub(crate) async fn export(&self) {
        let all = self.passkeys.passkeys();
        if all.is_empty() {
            return self.says("export-empty", 0);
        }
        let candidates = all.into_iter().map(|Passkey { credential, sign_count, .. }| Candidate {
            credential,
            counter: sign_count.unwrap_or(0),
            custody: Custody::Handle,
        });
        let exporter = Exporter {
            rp_id: format!("{}.example", self.id.own_name().replace(' ', "-").to_lowercase()),
            display_name: self.id.own_name().to_owned(),
            account_id: ACCOUNT,
            at: now(),
            provider: self.provider.clone(),
        };
        let export = Export::new(candidates, None, &exporter);
        let outcomes = export.reports().iter().map(|report| &report.outcome);
        let (written, left): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| outcome.is_ok());
        if written.is_empty() {
            let bound = left.iter().all(|outcome| **outcome == Err(LeftOut::DeviceBound));
            return self.says(if bound { "export-bound" } else { "export-none" }, left.len());
        }
        let passkeys = written.len();
        if !self.agrees(Asked::Export { passkeys, stay: left.len() }).await {
            return;
        }
        let content = export.document();
        let shown = hidden(serde_json::from_slice(&content).unwrap_or_default());
        let detail = json!({ "bytes": content.len(), "passkeys": passkeys, "members": shown });
        self.board.travels(Place::Device(self.id), FILE, "exported", detail);
        let document = Document { from: self.id, passkeys, content };
        self.board.change(|scene| scene.document = Some(document));
        self.says("exported", passkeys);
    }

    /// Takes in what is new in a file, if the person wants that.
    pub(crate) async fn import(&self, file: &Zeroizing<Vec<u8>>) {
        let Ok(import) = Import::read(file, &ImportLimits::default()) else {
            return self.says("import-none", 0);
        };
        let there = |id: &_| Ok::<_, Infallible>(self.passkeys.passkey(id));
        let Ok(plan) = import.plan(there, &Importer::new(self.provider.clone()));
        let credentials = plan.credentials().to_vec();
        let outcomes: Vec<_> =
            plan.reports().iter().map(|report| report.outcome.as_str()).collect();
        let detail = json!({ "members": { "outcomes": outcomes } });
        self.board.travels(FILE, Place::Device(self.id), "imported", detail);
        if credentials.is_empty() {
            let there = ItemOutcome::AlreadyThere.as_str();
            let known = outcomes.iter().all(|outcome| *outcome == there);
            return self.says(if known { "import-there" } else { "import-none" }, outcomes.len());
        }
        if !self.agrees(Asked::Import { passkeys: credentials.len() }).await {
            return;
        }
        let added = credentials.into_iter().filter(|it| self.passkeys.add(it.clone())).count();
        self.board.passkeys(self.id, || self.passkeys.passkeys());
        self.board.done(16);
        self.says("imported", added);
    }

    async fn agrees(&self, asked: Asked) -> bool {
        self.desk.post(self.id, asked).reply().await == Reply::Finger
    }

    fn says(&self, what: &'static str, count: usize) {
        self.board.device(self.id, |view| view.notice = Some((what, count.to_string())));
    }
}

/// The same with dots for everything that opens anything.
fn hidden(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let hide = |(name, value): (String, Value)| {
                let secret = SECRETS.contains(&name.as_str()) && value.is_string();
                let value = if secret { json!("••••") } else { hidden(value) };
                (name, value)
            };
            Value::Object(members.into_iter().map(hide).collect())
        }
        Value::Array(items) => items.into_iter().map(hidden).collect(),
        other => other,
    }
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
