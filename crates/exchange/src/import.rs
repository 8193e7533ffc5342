//! A document that was read: its items, and what is in them.

use std::sync::Arc;

use crate::{
    Defect, ImportLimits, NotCxf, Refused, bitwarden,
    item::{
        ACCOUNTS, CREATION_AT, CREDENTIALS, EXTENSIONS, ID, ITEMS, MAJOR, MODIFIED_AT, TITLE,
        VERSION,
    },
    json::{Json, Members, NotJson, has_twice, member, own_twice},
    passkey::{Found, cut, name, take, text},
};

/// A document that was read and not yet judged. Nothing has been changed; [`Import::plan`] says
/// what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub(crate) accounts: Vec<Account>,
    exporter: Option<String>,
    pub(crate) limits: ImportLimits,
}

/// A person's account at the manager that wrote the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// As it is written, if it is no longer than the names of its owner.
    pub(crate) id: Option<String>,
    pub(crate) items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Item {
    pub(crate) title: Option<Arc<str>>,
    pub(crate) made: Option<i64>,
    pub(crate) changed: Option<i64>,
    pub(crate) extensions: Vec<Json>,
    /// What else it has, without its credentials.
    pub(crate) rest: Members,
    pub(crate) credentials: Vec<Entry>,
}

/// How much of a title is told and kept, in bytes.
pub(crate) const TITLE_KEPT: usize = 4096;

/// One entry of the credentials of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Passkey(Box<Found>),
    Refused { refusal: Refused, site: Option<String>, account: Option<String> },
    Other { kind: String, whole: Json },
}

impl Import {
    /// Reads a document of the Credential Exchange Format 1.x. An account without a header, as
    /// platforms hand it over, is read as well, and so are an item or a passkey by itself, and
    /// Bitwarden's own JSON.
    ///
    /// # Errors
    /// [`NotCxf`] where it is none of these. Whatever is wrong in it costs one credential, or one
    /// part of a credential, and is in the reports of the plan.
    pub fn read(bytes: &[u8], limits: &ImportLimits) -> Result<Self, NotCxf> {
        if bytes.len() > limits.document {
            return Err(NotCxf::TooLarge(limits.document));
        }
        let most = limits.document / 16;
        let document = Json::read(bytes, limits.depth, most).map_err(|error| match error {
            NotJson::Syntax => NotCxf::NotJson,
            NotJson::TooDeep => NotCxf::TooDeep,
            NotJson::TooMany => NotCxf::TooMany,
        })?;
        let Json::Object(mut members) = document else { return Err(NotCxf::Other) };
        // Which of two lists counts is not for us to say.
        if [VERSION, ACCOUNTS, ITEMS].iter().any(|name| has_twice(&members, name)) {
            return Err(NotCxf::Other);
        }
        let has = |name| member(&members, name).is_some();
        if has(VERSION) || has(ACCOUNTS) {
            let major = member(&members, VERSION).and_then(|version| version.get("major"));
            match major.and_then(Json::as_integer) {
                Some(MAJOR) => {}
                Some(_) => return Err(NotCxf::UnsupportedVersion),
                None => return Err(NotCxf::Other),
            }
            let exporter =
                text(&members, "exporterDisplayName").or_else(|| text(&members, "exporterRpId"));
            let exporter = exporter.map(ToOwned::to_owned);
            let Some(Json::List(accounts)) = take(&mut members, ACCOUNTS) else {
                return Err(NotCxf::Other);
            };
            let read = accounts.into_iter().map(|account| match account {
                Json::Object(account) => Account::read(account, limits),
                _ => Err(NotCxf::Other),
            });
            let read: Vec<_> = read.collect();
            if !read.is_empty() && read.iter().all(Result::is_err) {
                return Err(NotCxf::Other);
            }
            // Its neighbours go in all the same.
            let broken = || Item::refused(Defect::NotAnItem.into());
            let broken = |_| Account { id: None, items: vec![broken()] };
            let accounts = read.into_iter().map(|account| account.unwrap_or_else(broken));
            return Ok(Self { accounts: accounts.collect(), exporter, limits: *limits });
        }
        if bitwarden::is_it(&members) {
            return Ok(Self::of_items(bitwarden::read(members, limits)?, "Bitwarden", limits));
        }
        let account = if has(ITEMS) {
            Account::read(members, limits)?
        } else if has(CREDENTIALS) {
            Account { id: None, items: vec![Item::read(Json::Object(members), limits)] }
        } else if text(&members, name::TYPE) == Some(name::PASSKEY) {
            let entry = Entry::read(Json::Object(members), limits);
            Account { id: None, items: vec![Item { credentials: vec![entry], ..Item::default() }] }
        } else {
            return Err(NotCxf::Other);
        };
        Ok(Self { accounts: vec![account], exporter: None, limits: *limits })
    }

    /// Credentials that came in another way, each in an item of its own.
    pub(crate) fn of_items(items: Vec<Item>, exporter: &str, limits: &ImportLimits) -> Self {
        let accounts = vec![Account { id: None, items }];
        Self { accounts, exporter: Some(exporter.to_owned()), limits: *limits }
    }

    /// Keeps the passkeys, whole or broken, of sites that are wanted, with what else is in their
    /// items, and forgets the others. What is so broken that its site can't be read is kept, too.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        let of_wanted = |entry: &Entry| match entry {
            Entry::Passkey(found) => wanted(found.rp_id.as_str()),
            Entry::Refused { site, .. } => site.as_deref().is_none_or(&wanted),
            Entry::Other { .. } => true,
        };
        for account in &mut self.accounts {
            account.items.retain_mut(|item| {
                item.credentials.retain(of_wanted);
                !item.credentials.iter().all(|entry| matches!(entry, Entry::Other { .. }))
            });
        }
    }

    /// Who says that they wrote it: a claim, for the person's eyes, and to be escaped.
    #[must_use]
    pub fn exporter(&self) -> Option<&str> {
        self.exporter.as_deref()
    }
}

impl Account {
    fn read(mut members: Members, limits: &ImportLimits) -> Result<Self, NotCxf> {
        if has_twice(&members, ITEMS) {
            return Err(NotCxf::Other);
        }
        let id = text(&members, ID).filter(|id| id.len() <= limits.name).map(ToOwned::to_owned);
        let Some(Json::List(items)) = take(&mut members, ITEMS) else {
            return Err(NotCxf::Other);
        };
        Ok(Self { id, items: items.into_iter().map(|item| Item::read(item, limits)).collect() })
    }
}

impl Item {
    fn read(item: Json, limits: &ImportLimits) -> Self {
        let Json::Object(mut rest) = item else { return Self::refused(Defect::NotAnItem.into()) };
        let title = text(&rest, TITLE).map(|title| cut(title, TITLE_KEPT).into());
        let twice = own_twice(&rest).map(ToOwned::to_owned).or_else(|| {
            let parts = rest.iter().filter(|(name, _)| name != CREDENTIALS);
            parts.clone().find_map(|(_, part)| part.twice().map(ToOwned::to_owned))
        });
        // Of two lists all are told of, and none goes in.
        let (lists, others) =
            rest.into_iter().partition::<Members, _>(|(name, _)| name == CREDENTIALS);
        rest = others;
        if lists.is_empty() {
            return Self { title, ..Self::refused(Defect::NotAnItem.into()) };
        }
        let mut credentials = Vec::new();
        for (_, list) in lists {
            match list {
                Json::List(list) => {
                    credentials.extend(list.into_iter().map(|it| Entry::read(it, limits)));
                }
                _ => return Self { title, ..Self::refused(Defect::NotAnItem.into()) },
            }
        }
        if let Some(twice) = twice {
            for entry in &mut credentials {
                entry.refuse(Refused::of(Defect::DuplicateMember, &twice));
            }
        }
        let made = time(&mut rest, CREATION_AT);
        let changed = time(&mut rest, MODIFIED_AT);
        let extensions = match take(&mut rest, EXTENSIONS) {
            Some(Json::List(extensions)) => extensions,
            Some(other) => {
                rest.push((EXTENSIONS.to_owned(), other));
                Vec::new()
            }
            None => Vec::new(),
        };
        Self { title, made, changed, extensions, rest, credentials }
    }

    fn refused(refusal: Refused) -> Self {
        let entry = Entry::Refused { refusal, site: None, account: None };
        Self { credentials: vec![entry], ..Self::default() }
    }
}

/// A time, if there is one that could be. What says it otherwise than by a whole number stays.
fn time(members: &mut Members, name: &str) -> Option<i64> {
    let written = take(members, name).filter(|time| *time != Json::Null)?;
    let time = written.as_whole_part().filter(|time| *time >= 0);
    if time.is_none() || written.as_integer() != time {
        members.push((name.to_owned(), written));
    }
    time
}

impl Entry {
    pub(crate) fn read(credential: Json, limits: &ImportLimits) -> Self {
        let Json::Object(members) = credential else {
            let refusal = Defect::NotACredential.into();
            return Self::Refused { refusal, site: None, account: None };
        };
        let known = |names: &[&str]| names.iter().find_map(|name| text(&members, name));
        let site = known(&[name::RP_ID]).map(ToOwned::to_owned);
        let account = known(&[name::USERNAME, name::USER_DISPLAY_NAME]).map(ToOwned::to_owned);
        let twice = |members: &Members| {
            let within = || members.iter().find_map(|(_, part)| part.twice());
            own_twice(members).or_else(within).map(ToOwned::to_owned)
        };
        let found = match member(&members, name::TYPE) {
            _ if has_twice(&members, name::TYPE) => {
                Err(Refused::of(Defect::DuplicateMember, name::TYPE))
            }
            Some(Json::Text(kind)) if **kind != name::PASSKEY => {
                let kind = cut(kind, limits.name).to_owned();
                return Self::Other { kind, whole: Json::Object(members) };
            }
            Some(Json::Text(_)) => match twice(&members) {
                Some(twice) => Err(Refused::of(Defect::DuplicateMember, &twice)),
                None => Found::read(members, limits),
            },
            None | Some(Json::Null) => Err(Refused::of(Defect::MissingMember, name::TYPE)),
            Some(_) => Err(Refused::of(Defect::WrongType, name::TYPE)),
        };
        match found {
            Ok(found) => Self::Passkey(Box::new(found)),
            Err(refusal) => Self::Refused { refusal, site, account },
        }
    }

    /// Takes a passkey back.
    fn refuse(&mut self, refusal: Refused) {
        if let Self::Passkey(found) = self {
            let site = Some(found.rp_id.as_str().to_owned());
            let account = found.user.name.clone().or_else(|| found.user.display_name.clone());
            *self = Self::Refused { refusal, site, account };
        }
    }
}
