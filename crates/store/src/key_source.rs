//! What opens a store: a passphrase, a key file, the system's keyring, or a key of the
//! application's. Each of them seals only the root key, so that changing it writes one record.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use argon2::{Algorithm, Argon2, Params, Version};
use towline_cbor::{Key, Reader, Writer};
use towline_crypto::{CryptoProvider, Secret};
use zeroize::Zeroizing;

use crate::{
    Error, KeySealer, Keyring,
    directory::{beside, private, sync_directory},
};

/// How deep the record of the root key nests.
const DEPTH: u8 = 1;

/// What opens a store.
#[non_exhaustive]
#[derive(Clone)]
pub enum KeySource {
    /// Something that a person knows, of any length, as UTF-8. A key is made of it by Argon2id,
    /// with 64 MiB of memory and three passes (RFC 9106).
    Passphrase(Zeroizing<String>),
    /// A file of 32 random bytes that only its owner can read, on the same machine or on a medium
    /// that is taken out. It is made together with the store.
    KeyFile(PathBuf),
    /// 32 secret bytes that the application keeps, in a place of its own, or derives from its
    /// master password.
    Key(Secret<32>),
    /// 32 random bytes in the system's keyring, made together with the store, under a name that the
    /// store remembers.
    Keyring(Arc<dyn Keyring>),
    /// 32 random bytes, made together with the store and kept in it in a form that only something
    /// else opens: a TPM, say. Without that nobody opens the store, so that it needs a backup that
    /// is opened by something else.
    Sealed(Arc<dyn KeySealer>),
}

/// Only of which kind it is.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

/// Of which kind, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SourceKind {
    Passphrase = 1,
    KeyFile = 2,
    Key = 3,
    Keyring = 4,
    Sealed = 5,
}

impl SourceKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Passphrase => "a passphrase",
            Self::KeyFile => "a key file",
            Self::Key => "a key of the application",
            Self::Keyring => "a key in the system's keyring",
            Self::Sealed => "a key that is sealed by a TPM",
        }
    }

    const fn number(self) -> u64 {
        match self {
            Self::Passphrase => 1,
            Self::KeyFile => 2,
            Self::Key => 3,
            Self::Keyring => 4,
            Self::Sealed => 5,
        }
    }

    fn of(number: u64) -> Option<Self> {
        [Self::Passphrase, Self::KeyFile, Self::Key, Self::Keyring, Self::Sealed]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// What Argon2id costs. It stands beside the sealed key, so that later versions can ask for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
}

const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3 };
/// What is believed of a file: more would only make the program hang.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 32 };

impl KeySource {
    const fn kind(&self) -> SourceKind {
        match self {
            Self::Passphrase(_) => SourceKind::Passphrase,
            Self::KeyFile(_) => SourceKind::KeyFile,
            Self::Key(_) => SourceKind::Key,
            Self::Keyring(_) => SourceKind::Keyring,
            Self::Sealed(_) => SourceKind::Sealed,
        }
    }

    /// Makes what has to be there before a store is sealed by it: the key file, or the entry in the
    /// keyring. A key file that is there already is used, if it is of whoever runs this.
    fn prepare(&self, provider: &CryptoProvider, salt: &[u8; 16]) -> Result<Prepared, Error> {
        let path = match self {
            Self::KeyFile(path) => path,
            Self::Keyring(keyring) => {
                let (key, name) = (provider.random.secret::<32>()?, entry(salt));
                keyring.set(&name, &key).map_err(Error::Keyring)?;
                return Ok(Prepared(Some(Made::Entry(Arc::clone(keyring), name))));
            }
            Self::Passphrase(_) | Self::Key(_) | Self::Sealed(_) => return Ok(Prepared(None)),
        };
        let mut options = fs::OpenOptions::new();
        let mut file = match private(options.write(true).create_new(true)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_own(path)? {
                    return Err(Error::KeyFileOfOthers(path.clone()));
                }
                return Ok(Prepared(None));
            }
            opened => opened?,
        };
        // Half a key would be in the way of the next try.
        let prepared = Prepared(Some(Made::File(path.clone())));
        let key = provider.random.secret::<32>()?;
        file.write_all(key.expose()).and_then(|()| file.sync_all())?;
        // The store must never be on the disk without the key that opens it.
        sync_directory(path)?;
        Ok(prepared)
    }

    /// The key that seals the root key.
    fn wrapping_key(
        &self,
        provider: &CryptoProvider,
        salt: &[u8; 16],
        cost: Cost,
        kept: &[u8],
    ) -> Result<Secret<32>, Error> {
        let by_hkdf = |key: &Secret<32>| {
            Secret::try_init(|out: &mut [u8; 32]| {
                provider.hkdf.derive(salt, key.expose(), b"towline-store root 1", out)
            })
        };
        match self {
            Self::Passphrase(text) => {
                let unusable = |error: argon2::Error| Error::Damaged(error.to_string());
                let params =
                    Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(unusable)?;
                let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                Secret::try_init(|out| argon.hash_password_into(text.as_bytes(), salt, out))
                    .map_err(unusable)
            }
            Self::KeyFile(path) => Ok(by_hkdf(&read_key_file(path)?)?),
            Self::Key(key) => Ok(by_hkdf(key)?),
            Self::Keyring(keyring) => {
                let name = entry(salt);
                let key = keyring.get(&name).map_err(Error::Keyring)?;
                Ok(by_hkdf(&key.ok_or(Error::KeyringEntryMissing(name))?)?)
            }
            Self::Sealed(sealer) => Ok(by_hkdf(&sealer.unseal(kept).map_err(Error::Sealed)?)?),
        }
    }
}

/// The name of the entry in the keyring. The salt is new with each key, and stands in the store.
fn entry(salt: &[u8; 16]) -> String {
    let mut name = "store ".to_owned();
    for byte in salt {
        for nibble in [byte >> 4, byte & 15] {
            name.extend(char::from_digit(nibble.into(), 16));
        }
    }
    name
}

/// Whether a file, which is no link, is of whoever runs this and of nobody else. Others know what
/// is in theirs.
fn is_own(path: &Path) -> Result<bool, Error> {
    let there = fs::symlink_metadata(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        Ok(there.is_file()
            && there.permissions().mode() & 0o077 == 0
            && there.uid() == owner_of_new_files(path)?)
    }
    #[cfg(not(unix))]
    Ok(there.is_file())
}

/// Who owns a file that is made beside this one.
#[cfg(unix)]
fn owner_of_new_files(path: &Path) -> Result<u32, Error> {
    use std::os::unix::fs::MetadataExt as _;
    let probe = beside(path, &format!("{}.new", std::process::id()));
    let file = private(fs::OpenOptions::new().write(true).create_new(true)).open(&probe)?;
    let owner = file.metadata().map(|metadata| metadata.uid());
    let _ = fs::remove_file(&probe);
    Ok(owner?)
}

fn read_key_file(path: &Path) -> Result<Secret<32>, Error> {
    let unusable = || Error::KeyFileUnusable(path.to_owned());
    let mut file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::KeyFileMissing(path.to_owned()));
        }
        // Not the store, which such an error would be told of.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(unusable()),
        opened => opened?,
    };
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
        return Err(unusable());
    }
    let key = Secret::try_init(|key| file.read_exact(key)).map_err(|_| unusable())?;
    if file.read(&mut [0])? == 0 { Ok(key) } else { Err(unusable()) }
}

/// What was made for a store that is not made yet. Dropped, it is gone again.
#[must_use]
pub(crate) struct Prepared(Option<Made>);

enum Made {
    File(PathBuf),
    Entry(Arc<dyn Keyring>, String),
}

impl Prepared {
    /// What it opens is there.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let removed = match self.0.take() {
            None => Ok(()),
            Some(Made::File(path)) => fs::remove_file(path).map_err(|error| error.to_string()),
            Some(Made::Entry(keyring, name)) => keyring.remove(&name),
        };
        if let Err(error) = removed {
            tracing::warn!(error, "a key that opens nothing was left behind");
        }
    }
}

/// A root key that was locked, and what it was locked with.
pub(crate) struct Locked {
    pub(crate) root: LockedRoot,
    pub(crate) wrapping: Secret<32>,
    pub(crate) prepared: Prepared,
}

/// The root key under what opens the store, as it is stored.
#[derive(Clone)]
pub(crate) struct LockedRoot {
    kind: SourceKind,
    salt: [u8; 16],
    cost: Cost,
    nonce: [u8; 12],
    sealed: Vec<u8>,
    /// What the [`KeySealer`] has made, or nothing.
    kept: Vec<u8>,
}

impl LockedRoot {
    pub(crate) fn lock(
        provider: &CryptoProvider,
        source: &KeySource,
        root: &Secret<32>,
    ) -> Result<Locked, Error> {
        let salt = provider.random.bytes()?;
        let prepared = source.prepare(provider, &salt)?;
        let kept = match source {
            KeySource::Sealed(sealer) => {
                sealer.seal(&provider.random.secret()?).map_err(Error::Sealed)?
            }
            _ => Vec::new(),
        };
        let wrapping = source.wrapping_key(provider, &salt, COST, &kept)?;
        let (kind, nonce) = (source.kind(), [0; 12]);
        let empty = Self { kind, salt, cost: COST, nonce, sealed: Vec::new(), kept };
        let root = empty.lock_again(provider, &wrapping, root)?;
        Ok(Locked { root, wrapping, prepared })
    }

    /// Another root key under the same lock.
    pub(crate) fn lock_again(
        &self,
        provider: &CryptoProvider,
        wrapping: &Secret<32>,
        root: &Secret<32>,
    ) -> Result<Self, Error> {
        let mut sealed = Vec::with_capacity(48);
        sealed.extend_from_slice(root.expose());
        let locked = Self { nonce: provider.random.bytes()?, ..self.clone() };
        let key = provider.aead.key(wrapping.expose());
        key.seal(&locked.nonce, &locked.bound_to(), &mut sealed)?;
        Ok(Self { sealed, ..locked })
    }

    /// Gives the root key, and what it is locked with. `costly` allows a lock that takes more than
    /// this version asks for.
    pub(crate) fn unlock(
        &self,
        provider: &CryptoProvider,
        source: &KeySource,
        costly: bool,
    ) -> Result<(Secret<32>, Secret<32>), Error> {
        if source.kind() != self.kind {
            return Err(Error::OtherKind(self.kind.name()));
        }
        let Cost { memory_kib, passes } = self.cost;
        let much = memory_kib > COST.memory_kib || passes > COST.passes;
        if self.kind == SourceKind::Passphrase && much && !costly {
            return Err(Error::Costly { mebibytes: memory_kib.div_ceil(1024), passes });
        }
        let wrapping = source.wrapping_key(provider, &self.salt, self.cost, &self.kept)?;
        let mut root = Zeroizing::new(self.sealed.clone());
        provider
            .aead
            .key(wrapping.expose())
            .open(&self.nonce, &self.bound_to(), &mut root)
            .map_err(|_| Error::WrongKey)?;
        Ok((Secret::from_slice(&root).map_err(|_| Error::WrongKey)?, wrapping))
    }

    fn bound_to(&self) -> Vec<u8> {
        let Cost { memory_kib, passes } = self.cost;
        let numbers = [self.kind.number(), memory_kib.into(), passes.into()];
        let mut bytes = b"towline-store root 1\0".to_vec();
        bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        bytes.extend(self.salt);
        bytes
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(|map| {
            map.entry(1, |w| w.uint(self.kind.number()));
            map.entry(2, |w| w.bytes(&self.salt));
            map.entry(3, |w| w.uint(self.cost.memory_kib.into()));
            map.entry(4, |w| w.uint(self.cost.passes.into()));
            map.entry(5, |w| w.bytes(&self.nonce));
            map.entry(6, |w| w.bytes(&self.sealed));
            if !self.kept.is_empty() {
                map.entry(7, |w| w.bytes(&self.kept));
            }
        });
        writer.into_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::Damaged("the root key".to_owned());
        let (mut kind, mut salt, mut memory, mut passes) = (None, None, None, None);
        let (mut nonce, mut sealed, mut kept) = (None, None, Vec::new());
        towline_cbor::decode(bytes, DEPTH, |reader: &mut Reader<'_>| {
            reader.map(|key, value| {
                match key {
                    Key::Int(1) => kind = SourceKind::of(value.uint()?),
                    Key::Int(2) => salt = Some(*value.byte_array::<16>()?),
                    Key::Int(3) => memory = u32::try_from(value.uint()?).ok(),
                    Key::Int(4) => passes = u32::try_from(value.uint()?).ok(),
                    Key::Int(5) => nonce = Some(*value.byte_array::<12>()?),
                    Key::Int(6) => sealed = Some(value.bytes()?.to_vec()),
                    Key::Int(7) => kept = value.bytes()?.to_vec(),
                    _ => {}
                }
                Ok::<(), towline_cbor::Error>(())
            })
        })
        .map_err(|_: towline_cbor::Error| damaged())?;
        let memory_kib = memory.filter(|memory| *memory <= MOST.memory_kib).ok_or_else(damaged)?;
        let passes = passes.filter(|passes| *passes <= MOST.passes).ok_or_else(damaged)?;
        Ok(Self {
            kind: kind.ok_or_else(damaged)?,
            salt: salt.ok_or_else(damaged)?,
            cost: Cost { memory_kib, passes },
            nonce: nonce.ok_or_else(damaged)?,
            sealed: sealed.ok_or_else(damaged)?,
            kept,
        })
    }
}
