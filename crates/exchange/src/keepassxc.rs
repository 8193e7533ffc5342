//! Passkeys as KeePassXC keeps them: in the attributes of an entry of its database, as a courtesy.
//! The database itself is for others to open.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::{
    Import, ImportLimits, beside, extension,
    import::{Entry, Item, TITLE_KEPT},
    item::TITLE,
    json::{Json, Members, member},
    passkey::{cut, name},
};

/// An entry of a KeePass database, as far as it matters here.
#[derive(Clone, Default)]
pub struct KeePassEntry {
    /// The title of the entry.
    pub title: Option<String>,
    /// Its attributes, by name.
    pub attributes: Vec<(String, Zeroizing<String>)>,
}

impl KeePassEntry {
    /// Whether an attribute of this name is about a passkey. An entry that has none is of no use
    /// here.
    #[must_use]
    pub fn is_about_passkeys(attribute: &str) -> bool {
        attribute.starts_with("KPEX_PASSKEY_")
    }
}

/// The attributes hold the key.
impl std::fmt::Debug for KeePassEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeePassEntry({} attributes)", self.attributes.len())
    }
}

/// Its names of the members, with ours. The first of those that are there counts: earlier versions
/// kept the id under another name.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("KPEX_PASSKEY_CREDENTIAL_ID", name::CREDENTIAL_ID),
    ("KPEX_PASSKEY_GENERATED_USER_ID", name::CREDENTIAL_ID),
    ("KPEX_PASSKEY_RELYING_PARTY", name::RP_ID),
    ("KPEX_PASSKEY_USERNAME", name::USERNAME),
    ("KPEX_PASSKEY_USER_HANDLE", name::USER_HANDLE),
    ("KPEX_PASSKEY_PRIVATE_KEY_PEM", name::KEY),
];

/// One seed for `prf`, used with and without the screen lock (KeePassDX).
const PRF: &str = "KPEX_PASSKEY_PRF";
/// Whether it may be on other devices, as its site was told.
const BACKUP_ELIGIBLE: &str = "KPEX_PASSKEY_FLAG_BE";
/// The attributes that every entry has.
const STANDARD: [&str; 5] = ["Title", "UserName", "Password", "URL", "Notes"];

fn prf(seed: &str) -> Json {
    let seeds = Json::object([
        (name::ALGORITHM, Json::text(name::HMAC_SHA_256)),
        (name::CRED_WITH_UV, Json::text(seed.trim())),
        (name::CRED_WITHOUT_UV, Json::text(seed.trim())),
    ]);
    Json::object([(name::HMAC_CREDENTIALS, seeds)])
}

impl Import {
    /// The passkeys among the entries of a KeePass database, as KeePassXC keeps them there.
    #[must_use]
    pub fn of_keepassxc(entries: &[KeePassEntry], limits: &ImportLimits) -> Self {
        let items = entries.iter().filter(|entry| {
            entry.attributes.iter().any(|(name, _)| KeePassEntry::is_about_passkeys(name))
        });
        let items = items.map(|entry| {
            let attribute = |name: &str| {
                let found = entry.attributes.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.as_str())
            };
            let mut members: Members = vec![(name::TYPE.to_owned(), Json::text(name::PASSKEY))];
            for (theirs, ours) in ATTRIBUTES {
                if let Some(value) = attribute(theirs)
                    && !members.iter().any(|(name, _)| name == ours)
                {
                    members.push((ours.to_owned(), Json::text(value)));
                }
            }
            members.extend(attribute(PRF).map(|seed| (name::FIDO2_EXTENSIONS.into(), prf(seed))));
            // Its site was told so, and would not like to be told otherwise.
            let id = member(&members, name::CREDENTIAL_ID);
            let id = id.filter(|_| attribute(BACKUP_ELIGIBLE) == Some("0"));
            let bound = [(extension::BACKUP_ELIGIBLE, Json::Bool(false))];
            let extensions = id.map(|id| extension::claim(id, bound)).into_iter().collect();
            let mut credentials = vec![Entry::read(Json::Object(members), limits)];
            credentials.extend(beside::basic_auth(attribute("UserName"), attribute("Password")));
            credentials.extend(beside::note(attribute("Notes")));
            let others = entry.attributes.iter().filter(|(name, _)| {
                !STANDARD.contains(&name.as_str()) && !KeePassEntry::is_about_passkeys(name)
            });
            // In no order of their own.
            let others: BTreeMap<_, _> =
                others.map(|(name, value)| (name.as_str(), value.as_str())).collect();
            credentials.extend(beside::custom_fields(others));
            let title = entry.title.as_deref();
            let rest = title.map(|title| (TITLE.to_owned(), Json::text(title)));
            Item {
                title: title.map(|title| cut(title, TITLE_KEPT).into()),
                rest: rest.into_iter().chain(beside::scope(attribute("URL"))).collect(),
                extensions,
                credentials,
                ..Item::default()
            }
        });
        Self::of_items(items.collect(), "KeePassXC", limits)
    }
}
