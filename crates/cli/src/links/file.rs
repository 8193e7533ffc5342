//! Links to other devices in a file.
//!
//! The file holds secrets: whoever reads it can ring the phone, and with a phone's file answer in its place as far as the
//! link goes. Nothing can be signed with it, and Bluetooth and the person on the phone still have to agree. It is JSON, not
//! encrypted, with permissions for its owner only, and written whole or not at all.

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
            ComputerLinks, ContactKey, LinkedComputer, LinkedPhone, PhoneIdentity, PhoneLinks,
            StoreError,
        },
        secrets::RootSecret,
    },
};
use zeroize::Zeroizing;

/// The only version of the format there is.
const VERSION: u32 = 1;

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

    fn array<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        self.0.as_slice().try_into().map_err(|_| StoreError::Damaged)
    }

    fn secret<const N: usize>(&self) -> Result<Secret<N>, StoreError> {
        Secret::from_slice(&self.0).map_err(|_| StoreError::Damaged)
    }
}

impl LinkFile {
    pub(crate) fn new(path: &Path, provider: CryptoProvider) -> Self {
        Self { path: path.to_owned(), provider }
    }

    fn unavailable(&self, error: &io::Error) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.path.display()))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    /// One process at a time, until dropped.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.beside(".lock");
        let file = private(OpenOptions::new().create(true).truncate(false)).open(path);
        let file = file.map_err(|error| self.unavailable(&error))?;
        file.lock().map_err(|error| self.unavailable(&error))?;
        Ok(file)
    }

    fn read(&self) -> Result<Content, StoreError> {
        let text = match fs::read(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Content {
                    version: VERSION,
                    phones: Vec::new(),
                    identity: None,
                    computers: Vec::new(),
                });
            }
            Err(error) => return Err(self.unavailable(&error)),
        };
        self.check_permissions()?;
        let content: Content = serde_json::from_slice(&text).map_err(|_| StoreError::Damaged)?;
        if content.version == VERSION { Ok(content) } else { Err(StoreError::Damaged) }
    }

    #[cfg(unix)]
    fn check_permissions(&self) -> Result<(), StoreError> {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(&self.path).map_err(|error| self.unavailable(&error))?;
        if metadata.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        let path = self.path.display();
        let message =
            format!("{path} can be read by others; make it yours with `chmod 600 {path}`");
        Err(StoreError::Unavailable(message))
    }

    #[cfg(not(unix))]
    fn check_permissions(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The new content takes the place of the old in one step.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock()?;
        let mut content = self.read()?;
        let changed = change(&mut content)?;
        let text = serde_json::to_vec_pretty(&content).map_err(|_| StoreError::Damaged)?;
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

    fn phones(&self, content: &Content) -> Result<Vec<LinkedPhone>, StoreError> {
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
    fn all(&self) -> Result<Vec<LinkedPhone>, StoreError> {
        self.phones(&self.read()?)
    }

    fn save(&self, phone: &LinkedPhone) -> Result<(), StoreError> {
        self.change(|content| {
            let mut phones = self.phones(content)?;
            LinkedPhone::put(&mut phones, phone.clone());
            content.phones = phones.iter().map(|phone| Hex(phone.encode())).collect();
            Ok(())
        })
    }

    fn remove(&self, identity: &P256PublicKey, link: &LinkId) -> Result<bool, StoreError> {
        self.change(|content| {
            let mut phones = self.phones(content)?;
            let removed = LinkedPhone::take(&mut phones, identity, link);
            content.phones = phones.iter().map(|phone| Hex(phone.encode())).collect();
            Ok(removed)
        })
    }
}

impl ComputerLinks for LinkFile {
    fn identity(&self) -> Result<Option<PhoneIdentity>, StoreError> {
        let identity = self.read()?.identity;
        let read = |Identity { root_secret, contact_key }: Identity| {
            Ok(PhoneIdentity {
                root_secret: RootSecret::new(root_secret.secret()?),
                contact_key: ContactKey::new(contact_key.secret()?),
            })
        };
        identity.map(read).transpose()
    }

    fn become_other(&self, identity: &PhoneIdentity) -> Result<(), StoreError> {
        self.change(|content| {
            content.computers.clear();
            content.identity = Some(Identity {
                root_secret: Hex::of(identity.root_secret.expose()),
                contact_key: Hex::of(identity.contact_key.expose()),
            });
            Ok(())
        })
    }

    fn computers(&self) -> Result<Vec<LinkedComputer>, StoreError> {
        let computers = self.read()?.computers;
        let read = |Computer { link_id, since }: &Computer| {
            Ok(LinkedComputer { link_id: LinkId::new(link_id.array()?), since: *since })
        };
        computers.iter().map(read).collect()
    }

    fn save(&self, computer: LinkedComputer) -> Result<(), StoreError> {
        self.change(|content| {
            let LinkedComputer { link_id, since } = computer;
            content.computers.push(Computer { link_id: Hex::of(link_id.as_bytes()), since });
            Ok(())
        })
    }

    fn forget(&self, link: &LinkId) -> Result<bool, StoreError> {
        self.change(|content| {
            let before = content.computers.len();
            content.computers.retain(|computer| computer.link_id.0.as_slice() != link.as_bytes());
            Ok(content.computers.len() < before)
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

    #[test]
    fn what_a_phone_keeps_is_read_again_and_is_its_owners_alone() {
        let links = file("phone");
        assert_eq!(links.identity(), Ok(None));
        let identity = PhoneIdentity::generate(&provider()).unwrap();
        links.become_other(&identity).unwrap();
        let computer = LinkedComputer { link_id: LinkId::new([3; 8]), since: 9 };
        ComputerLinks::save(&links, computer).unwrap();
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
        for text in ["", "{", "[]", r#"{"version": 2}"#, r#"{"version": 1, "phones": ["0"]}"#] {
            fs::write(&links.path, text).unwrap();
            let computer = LinkedComputer { link_id: LinkId::new([3; 8]), since: 9 };
            assert_eq!(ComputerLinks::save(&links, computer), Err(StoreError::Damaged), "{text}");
            assert_eq!(fs::read_to_string(&links.path).unwrap(), text);
        }
        fs::write(&links.path, r#"{"version": 1, "phones": ["00"]}"#).unwrap();
        assert_eq!(links.all().map(drop), Err(StoreError::Damaged));
    }
}
