//! Links to other devices in a file.
//!
//! The file holds secrets: whoever reads it can ring the phone, and with a phone's file answer in
//! its place as far as the link goes. Nothing can be signed with it, and Bluetooth and the person
//! on the phone still have to agree. It is JSON, not encrypted, with permissions for its owner
//! only, and written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use towline::{
    crypto::{CryptoProvider, P256PublicKey, Secret},
    hybrid::{
        ids::LinkId,
        link::{
            ComputerLinks, ContactKey, Forgotten, Ledger, LinkStoreError, LinkedComputer,
            LinkedPhone, PhoneIdentity, PhoneLinks, RootSecret,
        },
    },
};
use zeroize::Zeroizing;

/// The version of the format that is written. 2 has a key for each computer, and those that were
/// forgotten; 1 is read.
const VERSION: u32 = 2;
const OLDEST: u32 = 1;

/// A file of links, of a computer or of a phone.
pub(crate) struct LinkFile {
    path: PathBuf,
    provider: CryptoProvider,
}

/// Bytes, many of them secret, as hexadecimal digits.
struct Hex(Zeroizing<Vec<u8>>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    /// What a computer keeps of phones: records as the library writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phones: Vec<Hex>,
    /// What a phone is to computers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    /// The computers that may ring it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    computers: Vec<Computer>,
    /// The computers that may not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<Gone>,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            version: VERSION,
            phones: Vec::new(),
            identity: None,
            computers: Vec::new(),
            forgotten: Vec::new(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Identity {
    root_secret: Hex,
    contact_key: Hex,
}

#[derive(Serialize, Deserialize)]
struct Computer {
    link_id: Hex,
    since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact_key: Option<Hex>,
}

#[derive(Serialize, Deserialize)]
struct Gone {
    link_id: Hex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact_key: Option<Hex>,
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len().saturating_mul(2)));
        for byte in self.0.iter() {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let digit =
            |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len().div_ceil(2)));
        for pair in text.as_bytes().chunks(2) {
            let [high, low] = pair else { return Err(D::Error::custom("odd number of digits")) };
            match (digit(high), digit(low)) {
                (Some(high), Some(low)) => bytes.push(high << 4 | low),
                _ => return Err(D::Error::custom("not a hexadecimal digit")),
            }
        }
        Ok(Self(bytes))
    }
}

impl Hex {
    fn of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    fn array<const N: usize>(&self) -> Result<[u8; N], LinkStoreError> {
        self.0.as_slice().try_into().map_err(|_| LinkStoreError::Damaged)
    }

    fn secret<const N: usize>(&self) -> Result<Secret<N>, LinkStoreError> {
        Secret::from_slice(&self.0).map_err(|_| LinkStoreError::Damaged)
    }

    fn contact_key(&self) -> Result<ContactKey, LinkStoreError> {
        self.secret().map(ContactKey::new)
    }
}

impl LinkFile {
    pub(crate) fn new(path: &Path, provider: CryptoProvider) -> Self {
        Self { path: path.to_owned(), provider }
    }

    fn unavailable(&self, error: &io::Error) -> LinkStoreError {
        LinkStoreError::Unavailable(format!("{}: {error}", self.path.display()))
    }

    /// Which file it is that is damaged.
    fn damaged(&self) -> LinkStoreError {
        let path = self.path.display();
        let message = format!("{path} is damaged; remove it, and link the devices again");
        LinkStoreError::Unavailable(message)
    }

    fn named(&self, error: LinkStoreError) -> LinkStoreError {
        match error {
            LinkStoreError::Damaged => self.damaged(),
            other => other,
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    /// One process at a time, until dropped.
    fn lock(&self) -> Result<File, LinkStoreError> {
        let path = self.beside(".lock");
        let file = private(OpenOptions::new().create(true).truncate(false)).open(path);
        let file = file.map_err(|error| self.unavailable(&error))?;
        file.lock().map_err(|error| self.unavailable(&error))?;
        Ok(file)
    }

    fn read(&self) -> Result<Content, LinkStoreError> {
        let text = match fs::read(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Content::default());
            }
            Err(error) => return Err(self.unavailable(&error)),
        };
        self.check_permissions()?;
        let Version { version } =
            serde_json::from_slice(&text).map_err(|_| LinkStoreError::Damaged)?;
        if version > VERSION {
            let path = self.path.display();
            let message = format!("{path} was written by a newer version of this program");
            return Err(LinkStoreError::Unavailable(message));
        }
        if version < OLDEST {
            return Err(LinkStoreError::Damaged);
        }
        serde_json::from_slice(&text).map_err(|_| LinkStoreError::Damaged)
    }

    #[cfg(unix)]
    fn check_permissions(&self) -> Result<(), LinkStoreError> {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(&self.path).map_err(|error| self.unavailable(&error))?;
        if metadata.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        let path = self.path.display();
        let message =
            format!("{path} can be read by others; make it yours with `chmod 600 {path}`");
        Err(LinkStoreError::Unavailable(message))
    }

    #[cfg(not(unix))]
    fn check_permissions(&self) -> Result<(), LinkStoreError> {
        Ok(())
    }

    /// The new content takes the place of the old in one step.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, LinkStoreError>,
    ) -> Result<T, LinkStoreError> {
        let _lock = self.lock()?;
        let mut content = self.read().map_err(|error| self.named(error))?;
        let changed = change(&mut content).map_err(|error| self.named(error))?;
        content.version = VERSION;
        let text = serde_json::to_vec_pretty(&content).map_err(|_| LinkStoreError::Damaged)?;
        let text = Zeroizing::new(text);
        let temporary = self.beside(".new");
        let write = || {
            // What a run that was killed left behind may have been given to others since.
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private(OpenOptions::new().create_new(true)).open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(|error| self.unavailable(&error))?;
        Ok(changed)
    }

    fn phones(&self, content: &Content) -> Result<Vec<LinkedPhone>, LinkStoreError> {
        content.phones.iter().map(|hex| LinkedPhone::decode(&self.provider, &hex.0)).collect()
    }
}

/// For writing, by its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

impl PhoneLinks for LinkFile {
    fn all(&self) -> Result<Vec<LinkedPhone>, LinkStoreError> {
        self.read().and_then(|content| self.phones(&content)).map_err(|error| self.named(error))
    }

    fn save(&self, phone: &LinkedPhone) -> Result<(), LinkStoreError> {
        self.change(|content| {
            let mut phones = self.phones(content)?;
            LinkedPhone::put(&mut phones, phone.clone());
            content.phones = phones.iter().map(|phone| Hex(phone.encode())).collect();
            Ok(())
        })
    }

    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, LinkStoreError> {
        self.change(|content| {
            let mut phones = self.phones(content)?;
            let removed = LinkedPhone::take(&mut phones, identity, link);
            content.phones = phones.iter().map(|phone| Hex(phone.encode())).collect();
            Ok(removed)
        })
    }
}

impl Content {
    fn ledger(&self) -> Result<Ledger, LinkStoreError> {
        let identity = |Identity { root_secret, contact_key }: &Identity| {
            Ok(PhoneIdentity {
                root_secret: RootSecret::new(root_secret.secret()?),
                contact_key: contact_key.contact_key()?,
            })
        };
        let key = |key: &Option<Hex>| key.as_ref().map(Hex::contact_key).transpose();
        let computer = |Computer { link_id, since, contact_key }: &Computer| {
            let (link_id, since) = (LinkId::new(link_id.array()?), *since);
            Ok(LinkedComputer { link_id, since, contact_key: key(contact_key)? })
        };
        let gone = |Gone { link_id, contact_key }: &Gone| {
            let link_id = LinkId::new(link_id.array()?);
            Ok(Forgotten { link_id, contact_key: key(contact_key)? })
        };
        Ok(Ledger {
            identity: self.identity.as_ref().map(identity).transpose()?,
            computers: self.computers.iter().map(computer).collect::<Result<_, _>>()?,
            forgotten: self.forgotten.iter().map(gone).collect::<Result<_, _>>()?,
        })
    }

    fn keep(&mut self, ledger: &Ledger) {
        let key = |key: &Option<ContactKey>| key.as_ref().map(|key| Hex::of(key.expose()));
        self.identity = ledger.identity.as_ref().map(|identity| Identity {
            root_secret: Hex::of(identity.root_secret.expose()),
            contact_key: Hex::of(identity.contact_key.expose()),
        });
        let computer = |known: &LinkedComputer| Computer {
            link_id: Hex::of(known.link_id.as_bytes()),
            since: known.since,
            contact_key: key(&known.contact_key),
        };
        self.computers = ledger.computers.iter().map(computer).collect();
        let gone = |gone: &Forgotten| Gone {
            link_id: Hex::of(gone.link_id.as_bytes()),
            contact_key: key(&gone.contact_key),
        };
        self.forgotten = ledger.forgotten.iter().map(gone).collect();
    }
}

impl ComputerLinks for LinkFile {
    fn ledger(&self) -> Result<Ledger, LinkStoreError> {
        self.read().and_then(|content| content.ledger()).map_err(|error| self.named(error))
    }

    fn change(&self, change: &mut dyn FnMut(&mut Ledger)) -> Result<(), LinkStoreError> {
        LinkFile::change(self, |content| {
            let mut ledger = content.ledger()?;
            change(&mut ledger);
            content.keep(&ledger);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use towline::crypto::rustcrypto::provider;

    use super::*;

    fn file(name: &str) -> LinkFile {
        let name = format!("towline-links-{}-{name}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        for suffix in ["", ".lock", ".new"] {
            let _absent = fs::remove_file(format!("{}{suffix}", path.display()));
        }
        LinkFile::new(&path, provider())
    }

    fn computer(link: u8, since: u64, contact_key: Option<ContactKey>) -> LinkedComputer {
        LinkedComputer { link_id: LinkId::new([link; 8]), since, contact_key }
    }

    #[test]
    fn what_a_phone_keeps_is_read_again_and_is_its_owners_alone() {
        let links = file("phone");
        assert_eq!(links.identity(), Ok(None));
        let identity = PhoneIdentity::generate(&provider()).unwrap();
        links.become_other(&identity).unwrap();
        let own = ContactKey::generate(&provider()).unwrap();
        let computer = computer(3, 9, Some(own.clone()));
        ComputerLinks::save(&links, computer.clone()).unwrap();
        assert_eq!(links.identity(), Ok(Some(identity)));
        assert_eq!(links.computers(), Ok(vec![computer]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&links.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(&links.path, fs::Permissions::from_mode(0o640)).unwrap();
            let refused = links.computers().unwrap_err();
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
            fs::set_permissions(&links.path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(links.forget(&LinkId::new([4; 8])), Ok(false));
        assert_eq!(links.forget(&LinkId::new([3; 8])), Ok(true));
        assert_eq!(links.computers(), Ok(vec![]));
        let gone = Forgotten { link_id: LinkId::new([3; 8]), contact_key: Some(own.clone()) };
        assert_eq!(links.ledger().unwrap().forgotten, [gone]);
        links.given_up(&own).unwrap();
        assert_eq!(links.ledger().unwrap().forgotten[0].contact_key, None);
    }

    /// As the version before computers had a key each wrote it.
    #[test]
    fn what_was_written_when_all_computers_shared_one_key_is_read_and_kept() {
        let links = file("before");
        let written = r#"{
  "version": 1,
  "identity": {
    "root_secret": "0707070707070707070707070707070707070707070707070707070707070707",
    "contact_key": "0808080808080808080808080808080808080808080808080808080808080808"
  },
  "computers": [
    {
      "link_id": "0303030303030303",
      "since": 9
    },
    {
      "link_id": "0404040404040404",
      "since": 1778384896
    }
  ]
}"#;
        let mut old = private(OpenOptions::new().create(true)).open(&links.path).unwrap();
        old.write_all(written.as_bytes()).unwrap();
        let before = links.ledger().unwrap();
        let identity = before.identity.clone().unwrap();
        assert_eq!(identity.contact_key, ContactKey::new(Secret::new([8; 32])));
        assert_eq!(before.computers, [computer(3, 9, None), computer(4, 1_778_384_896, None)]);
        // Others come to it, and it stays what it was.
        let own = ContactKey::generate(&provider()).unwrap();
        ComputerLinks::save(&links, computer(5, 10, Some(own))).unwrap();
        let after = links.ledger().unwrap();
        assert_eq!(after.identity, before.identity);
        assert_eq!(after.computers[..2], before.computers);
        for link in [3, 4] {
            assert!(links.forget(&LinkId::new([link; 8])).unwrap());
        }
        let given_up = links.ledger().unwrap().forgotten.pop().unwrap().contact_key;
        assert_eq!(given_up, Some(identity.contact_key), "with the last that shares it");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_killed_run_left_behind_does_not_open_the_file_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let links = file("left-behind");
        let left = links.beside(".new");
        fs::write(&left, "half").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).unwrap();
        links.become_other(&PhoneIdentity::generate(&provider()).unwrap()).unwrap();
        assert_eq!(fs::metadata(&links.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(links.identity().unwrap().is_some());
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_as_it_is() {
        let links = file("damaged");
        links.become_other(&PhoneIdentity::generate(&provider()).unwrap()).unwrap();
        for text in ["", "{", "[]", r#"{"version": 0}"#, r#"{"version": 1, "phones": ["0"]}"#] {
            fs::write(&links.path, text).unwrap();
            let refused = ComputerLinks::save(&links, computer(3, 9, None)).unwrap_err();
            let named = links.path.display().to_string();
            assert!(refused.to_string().contains(&format!("{named} is damaged")), "{refused}");
            assert_eq!(fs::read_to_string(&links.path).unwrap(), text);
        }
        fs::write(&links.path, r#"{"version": 1, "phones": ["00"]}"#).unwrap();
        assert_eq!(links.all().map(drop), Err(links.damaged()));
        fs::write(&links.path, r#"{"version": 9}"#).unwrap();
        let newer = links.all().unwrap_err().to_string();
        assert!(newer.contains("newer version"), "{newer}");
    }
}
