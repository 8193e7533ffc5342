//! What became of each credential, in words that stay.

use std::{fmt, sync::Arc};

use crate::passkey::cut;

/// What becomes, or would become, of one credential of a document.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It works, and nothing of it is lost.
    Imported,
    /// It works; these were not as they should be, or are not there.
    ImportedPartly(Vec<Missing>),
    /// The same id, site and key were there before. Nothing was changed.
    AlreadyThere,
    /// It was deleted where it would go, and stays away: it is one of
    /// [`Importer::deleted`](crate::Importer::deleted).
    DeletedHere,
    /// Nothing was changed; a person decides.
    Conflict(Conflict),
    /// It is not imported.
    Refused(Refused),
    /// Another type of credential, never used here.
    NotAPasskey {
        /// The type that it has.
        kind: String,
        /// Whether it is kept beside a passkey of its item, and goes along with that.
        kept: bool,
    },
}

impl ItemOutcome {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::ImportedPartly(_) => "imported-partly",
            Self::AlreadyThere => "already-there",
            Self::DeletedHere => "deleted-here",
            Self::Conflict(_) => "conflict",
            Self::Refused(_) => "refused",
            Self::NotAPasskey { .. } => "not-a-passkey",
        }
    }

    /// Whether the passkey goes in.
    #[must_use]
    pub const fn goes_in(&self) -> bool {
        matches!(self, Self::Imported | Self::ImportedPartly(_))
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident $word:literal $sentence:literal;)* }) => {
        $(#[$doc])*
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// The stable word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        /// A clause for a person.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $sentence,)*
                })
            }
        }
    };
}

words! {
    /// What of a passkey that goes in was not as it should be, or does not come along.
    Missing {
        /// A member that should be base64url was written in the older alphabet, and is read.
        StandardBase64 "standard-base64"
            "its bytes were written in another alphabet than the format's, and were read";
        /// The key was PEM text, not base64url, and is read.
        KeyWasPem "key-was-pem" "its key was written as PEM, and was read";
        /// The RP ID has capitals, with which no browser asks for it.
        RpIdNotLowerCase "rp-id-not-lower-case"
            "its site is written with capitals, so no browser will ask for it";
        /// A name that is no text.
        NameNotText "name-not-text" "a name of the account could not be read";
        /// A name that was too long, and was cut.
        NameTooLong "name-too-long" "a name of the account was cut, since it was too long";
        /// `fido2Extensions` is no object.
        ExtensionsMalformed "extensions-malformed" "what extensions keep could not be read";
        /// The secrets of `prf` are in the form of a draft of 2024, which the standard withdrew.
        /// They are read where they have 32 bytes, as one for both.
        PrfWithdrawnForm "prf-withdrawn-form"
            "its secret for encryption is in a withdrawn form, so what a site has encrypted may not open";
        /// The secrets of `prf` are for an algorithm that is not known.
        PrfUnknownAlgorithm "prf-unknown-algorithm"
            "its secrets for encryption are of an unknown kind, so what a site has encrypted won't open";
        /// A secret of `prf` is not 32 bytes long.
        PrfSeedLength "prf-seed-length"
            "a secret for encryption has the wrong length, so what a site has encrypted won't open";
        /// One of the two secrets of `prf` is not there.
        PrfOneSeed "prf-one-seed"
            "one of two secrets for encryption is not there, so what a site has encrypted won't open";
        /// The secrets of `prf` can't be read.
        PrfMalformed "prf-malformed"
            "its secrets for encryption could not be read, so what a site has encrypted won't open";
        /// The `credBlob` is longer than what is kept here.
        CredBlobTooLarge "cred-blob-too-large" "a note of its site (credBlob) is too long to be kept";
        /// The `credBlob` can't be read.
        CredBlobMalformed "cred-blob-malformed" "a note of its site (credBlob) could not be read";
        /// The large blob is longer than what is kept here, or says that it is.
        LargeBlobTooLarge "large-blob-too-large" "data of its site (largeBlob) are too long to be kept";
        /// The large blob can't be read.
        LargeBlobMalformed "large-blob-malformed" "data of its site (largeBlob) could not be read";
        /// `payments` is neither true nor false, and counts as false.
        PaymentsNotABoolean "payments-not-a-boolean"
            "whether it is good for payments on other sites could not be read, so it is not";
        /// The file has a signature counter above 0, which the standard forbids. It sends 0 from
        /// now on.
        CounterNotZero "counter-not-zero"
            "it has counted its signatures and does so no more, which its site may refuse";
        /// The large blob is kept with the passkey. Beside the key of a shared array
        /// (`largeBlobKey`) it is not read where that array is: it came without it.
        LargeBlobUnreachable "large-blob-unreachable"
            "data of its site (largeBlob) came along, but a security key can't show them";
        /// Its site was told that it is on one device alone (BE is 0), and that stays so.
        DeviceBound "device-bound"
            "its site was told that it is on one device alone, so that it can't leave this one";
        /// What else the item holds is more than what is kept beside a passkey.
        ForeignTooLarge "foreign-too-large" "what else its entry holds is too much to be kept";
    }
}

words! {
    /// Why a passkey is not imported although it could be.
    Conflict {
        /// The same id and site, and another key.
        SameIdOtherKey "same-id-other-key" "there is one with this id and another key";
        /// The same id at another site.
        SameIdOtherSite "same-id-other-site" "there is one with this id for another site";
    }
}

words! {
    /// What is wrong with a credential that is refused.
    Defect {
        /// An entry of `items` that is no item, or an item without a list of credentials.
        NotAnItem "not-an-item" "its entry could not be read";
        /// An entry of `credentials` that is no object.
        NotACredential "not-a-credential" "it could not be read";
        /// A required member is not there, or null.
        MissingMember "missing-member" "a part of it is not there";
        /// A member has another type than it should.
        WrongType "wrong-type" "a part of it could not be read";
        /// A member is there twice: readers differ in which they take.
        DuplicateMember "duplicate-member" "a part of it is there twice, and programs differ in which one counts";
        /// A required member is no base64url.
        BadBase64Url "bad-base64url" "a part of it could not be read";
        /// The credential id has no bytes.
        IdEmpty "id-empty" "its id is empty";
        /// The credential id has more than 1023 bytes.
        IdTooLong "id-too-long" "its id is too long";
        /// The credential id is all zeros, which a broken exporter writes for one that it could not
        /// read.
        IdAllZero "id-all-zero" "its id is all zeros: the program that wrote the file has lost it";
        /// The RP ID is none that a site could have.
        BadRpId "bad-rp-id" "its site is none that there could be";
        /// The user handle has no bytes.
        UserHandleEmpty "user-handle-empty" "the handle of its account is empty";
        /// The user handle has more than 64 bytes.
        UserHandleTooLong "user-handle-too-long" "the handle of its account is too long";
        /// The private key is none, or can't sign.
        BadKey "bad-key" "its key is none, or can't sign";
        /// The private key is of an algorithm or a size that is not known here.
        UnsupportedKey "unsupported-key" "its key is of a kind that is not known here";
        /// The public half beside the private key belongs to another one: it could never sign in.
        KeyMismatch "key-mismatch" "its two half keys don't belong together, so it could never sign in";
    }
}

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub reason: Defect,
    /// The member that it is about, where it is one, by its name in the format. A name that is not
    /// the format's comes from the file.
    pub member: Option<String>,
}

impl Refused {
    /// A long name is cut: no member of the format has one.
    pub(crate) fn of(reason: Defect, member: &str) -> Self {
        Self { reason, member: Some(cut(member, 64).to_owned()) }
    }
}

impl From<Defect> for Refused {
    fn from(reason: Defect) -> Self {
        Self { reason, member: None }
    }
}

/// One credential of a document, for the eyes of the person whose it is: the texts are as the file
/// has them, and need escaping where they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    /// The title of its item, which all reports about that share; at most 4096 bytes of it.
    pub title: Option<Arc<str>>,
    /// The RP ID, as far as it could be read.
    pub site: Option<String>,
    /// The name of the account, or else of the person.
    pub account: Option<String>,
    /// When it was made, by the file's word.
    pub made: Option<i64>,
    /// Whether it goes in, and what it lacks then.
    pub outcome: ItemOutcome,
}

/// The bytes are no document that could be read. Nothing was imported.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCxf {
    /// It is no JSON, is cut short, or something follows it.
    #[error("it is no whole JSON document: it may be cut short, damaged or sealed")]
    NotJson,
    /// It is longer than [`ImportLimits::document`](crate::ImportLimits::document).
    #[error("it is larger than {0} bytes, which is more than is read")]
    TooLarge(usize),
    /// Its lists and objects are nested deeper than
    /// [`ImportLimits::depth`](crate::ImportLimits::depth).
    #[error("it is nested too deep to be an export of passkeys")]
    TooDeep,
    /// It has more values than one in sixteen bytes of
    /// [`ImportLimits::document`](crate::ImportLimits::document).
    #[error("it has more parts than an export of passkeys could have")]
    TooMany,
    /// It has a later major version.
    #[error("it is of a later version of the format than this program knows")]
    UnsupportedVersion,
    /// It is another manager's, which has sealed it in its own way.
    #[error("it is sealed by the manager that wrote it: export it there once more, not encrypted")]
    Sealed,
    /// It is JSON, and something else.
    #[error("it is JSON, but no export of passkeys (Credential Exchange Format)")]
    Other,
}

impl NotCxf {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::TooLarge(_) => "too-large",
            Self::TooDeep => "too-deep",
            Self::TooMany => "too-many-parts",
            Self::UnsupportedVersion => "unsupported-version",
            Self::Sealed => "sealed",
            Self::Other => "not-cxf",
        }
    }
}

words! {
    /// What readers of a document may do with a passkey that it has, other than ourselves.
    Written {
        /// The `credProtect` level has no member in the format.
        ProtectionLostElsewhere "protection-lost-elsewhere"
            "elsewhere it can be used without the screen lock, which its site did not want";
        /// Others take every passkey for a discoverable one.
        FoundElsewhere "found-elsewhere" "elsewhere it is offered without being asked for by its id";
        /// Few importers know post-quantum keys.
        ImportersMayNotKnow "importers-may-not-know" "its key is of a kind that few other programs know";
    }
}

words! {
    /// Why a passkey is left out of an export.
    LeftOut {
        /// Its signature counter is above 0: the standard forbids to export it.
        CounterNotZero "counter-not-zero"
            "it counts its signatures, and two devices that count would look like a stolen key";
        /// It is not eligible for backup (BE), and its site was told so.
        DeviceBound "device-bound" "it was made for this device alone, and its site was told so";
        /// The key is in hardware.
        KeyNotExportable "key-not-exportable" "its key is in hardware, and can't leave it";
        /// The key can't be read with this provider.
        KeyUnreadable "key-unreadable" "its key could not be read";
    }
}
