//! Databases of KeePassXC, which has passkeys in the attributes of their entries.

use towline_exchange::{Import, ImportLimits};

use crate::{args, exit::Failure};

/// What such a file begins with: its two signatures.
const MAGIC: [u8; 8] = [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5];

pub(super) fn is_it(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

#[cfg(not(feature = "keepassxc"))]
pub(super) fn read(
    _bytes: &[u8],
    _import: &args::Import,
    _limits: &ImportLimits,
) -> Result<Import, Failure> {
    let message =
        "this program was built without KeePassXC's databases (cargo's feature `keepassxc`)";
    Err(Failure::usage("no_keepassxc", message))
}

/// The passkeys of all entries, but not of their history, nor of those that were thrown away.
#[cfg(feature = "keepassxc")]
pub(super) fn read(
    bytes: &[u8],
    import: &args::Import,
    limits: &ImportLimits,
) -> Result<Import, Failure> {
    use keepass::{Database, DatabaseKey, db::DatabaseOpenError};
    use towline_exchange::{KeePassEntry, KeePassWork, check_keepass_work};

    check_keepass_work(bytes).map_err(|error| {
        let instead = match error {
            KeePassWork::Header => "nothing of it was used",
            _ => "make its decryption time shorter (in KeePassXC: Database Settings, Security) and save it",
        };
        let message = format!("{}: {error}; {instead}", import.file.display());
        Failure::usage("not_opened", message)
    })?;
    let passphrase =
        crate::secret::read(import.passphrase_file.as_deref(), "passphrase of the database")?;
    let key = DatabaseKey::new().with_password(&passphrase);
    let database = Database::parse(bytes, key).map_err(|error| {
        let file = import.file.display();
        match error {
            DatabaseOpenError::Key(_) => {
                let message = format!(
                    "{file}: this is not the passphrase that opens it, or it needs a key file as well, which \
                     is not read here"
                );
                Failure::usage("not_opened", message)
            }
            error => Failure::usage("damaged", format!("{file}: {error}; nothing of it was used")),
        }
    })?;
    let bin = database.recycle_bin().map(|bin| bin.id());
    let (mut entries, mut groups) = (Vec::new(), vec![database.root().id()]);
    while let Some(group) = groups.pop().and_then(|id| database.group(id)) {
        if Some(group.id()) == bin {
            continue;
        }
        groups.extend(group.group_ids());
        // Nothing is copied of the others.
        let with_passkeys = group
            .entries()
            .filter(|entry| entry.fields.keys().any(|name| KeePassEntry::is_about_passkeys(name)));
        entries.extend(with_passkeys.map(|entry| {
            let attributes = entry.fields.iter();
            KeePassEntry {
                title: entry.get_title().map(ToOwned::to_owned),
                attributes: attributes
                    .map(|(name, value)| (name.clone(), value.get().clone().into()))
                    .collect(),
            }
        }));
    }
    Ok(Import::of_keepassxc(&entries, limits))
}
