//! The container around an export: the format of age (<https://age-encryption.org/v1>), which other
//! programs open as well.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    iter,
    path::{Path, PathBuf},
};

use age::{
    DecryptError, Decryptor, Encryptor, IdentityFile, scrypt, secrecy::SecretString, x25519,
};
use zeroize::Zeroizing;

use crate::{
    args,
    console::Line,
    exit::{Exit, Failure},
    secret,
};

/// What such a file begins with.
const MAGIC: &[u8] = b"age-encryption.org/";
/// The same as text, which some programs write.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// How much work a passphrase takes, as a power of two: what age itself writes, 256 MiB and about a
/// second.
const WORK: u8 = 18;
/// The most that is done to open a file of others: 1 GiB and a few seconds.
const MOST_WORK: u8 = 20;

/// What opens a file.
type Identity = Box<dyn age::Identity + Send + Sync>;

/// What an export is sealed for.
pub(super) enum Seal {
    Passphrase(Line),
    Recipients(Vec<x25519::Recipient>),
    /// Nothing: everybody reads it.
    Plain,
}

impl Seal {
    /// As the arguments say. A passphrase is asked for where they name no file of one.
    pub(super) fn of(args: &args::Sealed) -> Result<Self, Failure> {
        if args.plain {
            return Ok(Self::Plain);
        }
        if !args.recipient.is_empty() {
            return Ok(Self::Recipients(args.recipient.clone()));
        }
        let file = args.passphrase_file.as_deref();
        secret::read_new(file, "passphrase for the file").map(Self::Passphrase)
    }

    /// A stable word for it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::Recipients(_) => "recipients",
            Self::Plain => "nothing",
        }
    }

    /// The bytes of the file. A passphrase takes about a second.
    pub(super) fn seal(&self, document: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let encryptor = match self {
            Self::Plain => return Ok(document),
            Self::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(secret_string(passphrase));
                recipient.set_work_factor(WORK);
                let recipient: &dyn age::Recipient = &recipient;
                Encryptor::with_recipients(iter::once(recipient))
            }
            Self::Recipients(recipients) => {
                let all = recipients.iter().map(|recipient| -> &dyn age::Recipient { recipient });
                Encryptor::with_recipients(all)
            }
        };
        let failed = |why: String| {
            Failure::new(Exit::Failed, "failed", format!("it can't be sealed: {why}"))
        };
        let encryptor = encryptor.map_err(|error| failed(error.to_string()))?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(document.len()));
        let write = || -> io::Result<()> {
            let mut writer = encryptor.wrap_output(&mut *sealed)?;
            writer.write_all(&document)?;
            writer.finish().map(|_| ())
        };
        write().map_err(|error| failed(error.to_string()))?;
        Ok(sealed)
    }
}

/// Whether a file is sealed so.
pub(super) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.trim_ascii_start().starts_with(ARMOR)
}

/// What is in a sealed file, all of it and whole.
pub(super) fn open(bytes: &[u8], args: &args::Import) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !bytes.starts_with(MAGIC) {
        let message = "it is sealed by age as text (armored), which is not read here; `age --decrypt` and \
            `age --encrypt` make a binary one of it";
        return Err(not_opened(&args.file, message));
    }
    let decryptor =
        Decryptor::new_buffered(bytes).map_err(|error| why(&args.file, &error, "passphrase"))?;
    let (identities, by) = if decryptor.is_scrypt() {
        let file = args.passphrase_file.as_deref();
        let passphrase = secret::read(file, "passphrase of the file")?;
        let mut identity = scrypt::Identity::new(secret_string(&passphrase));
        identity.set_max_work_factor(MOST_WORK);
        let identity: Identity = Box::new(identity);
        (vec![identity], "passphrase")
    } else if args.identity.is_empty() {
        let message = "it is sealed for recipients: name the file of your identity with --identity";
        return Err(not_opened(&args.file, message));
    } else {
        (identities(&args.identity)?, "identity")
    };
    let opened = decryptor
        .decrypt(identities.iter().map(|identity| -> &dyn age::Identity { &**identity }))
        .map_err(|error| why(&args.file, &error, by))?;
    // It is not longer than what it was sealed to, so that nothing moves.
    let mut document = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    // What was read before a piece that is damaged or missing is not used.
    opened.take(most).read_to_end(&mut document).map_err(|_| damaged(&args.file))?;
    Ok(document)
}

fn identities(files: &[PathBuf]) -> Result<Vec<Identity>, Failure> {
    let mut all = Vec::new();
    for file in files {
        let unusable = |why: String| {
            let message = format!("{} holds no identity of age: {why}", file.display());
            Failure::usage("identity", message)
        };
        let text = fs::read(file).map_err(|error| unusable(error.to_string()))?;
        let text = Zeroizing::new(text);
        let read = IdentityFile::from_buffer(text.as_slice());
        let read = read.map_err(|error| unusable(error.to_string()))?;
        let found = read.into_identities().map_err(|error| unusable(error.to_string()))?;
        if found.is_empty() {
            return Err(unusable("it has none in it".to_owned()));
        }
        all.extend(found);
    }
    Ok(all)
}

fn secret_string(passphrase: &Line) -> SecretString {
    SecretString::from(passphrase.as_str().to_owned())
}

fn not_opened(file: &Path, why: &str) -> Failure {
    Failure::usage("not_opened", format!("{}: {why}", file.display()))
}

fn damaged(file: &Path) -> Failure {
    let message = format!("{}: it is damaged or cut short; nothing of it was used", file.display());
    Failure::usage("damaged", message)
}

fn why(file: &Path, error: &DecryptError, by: &str) -> Failure {
    match error {
        DecryptError::NoMatchingKeys
        | DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed => {
            not_opened(file, &format!("this is not the {by} that opens it"))
        }
        DecryptError::ExcessiveWork { required, .. } => {
            let message = format!(
                "its passphrase takes more memory and time than this program spends on a file of others (work \
                 factor {required}, and at most {MOST_WORK}); `age --decrypt` opens it"
            );
            not_opened(file, &message)
        }
        DecryptError::UnknownFormat => {
            not_opened(file, "it is sealed by a later version of age than this program knows")
        }
        _ => damaged(file),
    }
}
