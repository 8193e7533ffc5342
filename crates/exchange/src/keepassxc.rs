//! Passkeys as KeePassXC keeps them: in the attributes of an entry of its database, as a courtesy.
//! The database itself is for others to open.

use crate::{
    Import, ImportLimits,
    import::{Entry, Item},
    json::{Json, Members},
    passkey::name,
};

/// An entry of a KeePass database, as far as it matters here.
#[derive(Clone, Default)]
pub struct KeePassEntry {
    /// The title of the entry.
    pub title: Option<String>,
    /// Its attributes, by name.
    pub attributes: Vec<(String, String)>,
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

/// What all of its attributes about passkeys begin with.
const ABOUT_PASSKEYS: &str = "KPEX_PASSKEY_";

impl Import {
    /// The passkeys among the entries of a KeePass database, as KeePassXC keeps them there.
    #[must_use]
    pub fn of_keepassxc(entries: &[KeePassEntry], limits: &ImportLimits) -> Self {
        let items = entries.iter().filter(|entry| {
            entry.attributes.iter().any(|(name, _)| name.starts_with(ABOUT_PASSKEYS))
        });
        let items = items.map(|entry| {
            let mut members: Members = vec![(name::TYPE.to_owned(), Json::text(name::PASSKEY))];
            for (theirs, ours) in ATTRIBUTES {
                let value = entry.attributes.iter().find(|(name, _)| name == theirs);
                if let Some((_, value)) = value
                    && !members.iter().any(|(name, _)| name == ours)
                {
                    members.push((ours.to_owned(), Json::text(value)));
                }
            }
            let credentials = vec![Entry::read(Json::Object(members), limits)];
            Item { title: entry.title.clone(), credentials, ..Item::default() }
        });
        Self::of_items(items.collect(), "KeePassXC", limits)
    }
}
