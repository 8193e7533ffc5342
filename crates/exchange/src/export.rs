//! Passkeys as a document.

use std::collections::HashSet;

use towline_authenticator::{
    Credential, Custody, ExtensionData, KeyHandle, LargeBlobPlace, UnixTime,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    LargeBlobArray, LargeBlobKey, LargeBlobMap,
    extension::{CredentialProtectionPolicy, LargeBlob},
};
use zeroize::Zeroizing;

use crate::{
    KeyPackage, LeftOut, Written, base64url, extension,
    foreign::{self, Foreign},
    item::{
        self, ACCOUNTS, CREATION_AT, CREDENTIALS, EXTENSIONS, ID, ITEMS, MAJOR, MODIFIED_AT, TITLE,
        VERSION,
    },
    json::{Json, Members},
    passkey::{name, take},
};

/// Who exports, and when.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// The RP ID of the exporter: a domain, or the name of an app.
    pub rp_id: String,
    /// What people know it by.
    pub display_name: String,
    /// The person's account at this manager: 16 random bytes, made once and the same in each
    /// export.
    pub account_id: [u8; 16],
    /// The time of the export.
    pub at: UnixTime,
    /// What reads the keys and derives the two secrets of `prf`.
    pub provider: CryptoProvider,
}

/// A credential that may be exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What is stored of it.
    pub credential: Credential,
    /// How often it has signed, where it counts.
    pub counter: u32,
    /// Where its key is.
    pub custody: Custody,
}

/// One credential in the report of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportReport {
    /// The RP ID.
    pub site: String,
    /// The name of the account, or else of the person.
    pub account: Option<String>,
    /// Whether it was written, with what its readers may not keep, or why not.
    pub outcome: Result<Vec<Written>, LeftOut>,
}

/// Passkeys that are ready to be written. The texts hold private keys; they are wiped.
#[derive(Debug)]
pub struct Export {
    reports: Vec<ExportReport>,
    exporter: Members,
    account: Json,
}

impl Export {
    /// Takes the candidates, in the order in which they are to stand, and the large-blob array that
    /// belongs to them ([`Record::LargeBlobs`](towline_authenticator::Record::LargeBlobs)), where
    /// there is one.
    #[must_use]
    pub fn new(
        candidates: impl IntoIterator<Item = Candidate>,
        large_blobs: Option<&[u8]>,
        exporter: &Exporter,
    ) -> Self {
        let provider = &exporter.provider;
        let account_id = base64url::write(&exporter.account_id);
        let array = large_blobs.and_then(|array| LargeBlobArray::decode(array, provider).ok());
        let mut writing = Writing { provider, array, account_id: &account_id, ids: HashSet::new() };
        let (mut reports, mut items) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let user = &candidate.credential.user;
            let site = candidate.credential.rp_id.as_str().to_owned();
            let account = user.name.clone().or_else(|| user.display_name.clone());
            let outcome = writing.item(candidate).map(|(item, notes)| {
                items.push(item);
                notes
            });
            reports.push(ExportReport { site, account, outcome });
        }
        let version = Json::object([("major", Json::number(MAJOR)), ("minor", Json::number(0))]);
        let account = Json::object([
            (ID, Json::Text(account_id)),
            (name::USERNAME, Json::text("")),
            ("email", Json::text("")),
            ("collections", Json::List(Vec::new())),
            (ITEMS, Json::List(items)),
        ]);
        let UnixTime(at) = exporter.at;
        let exporter = [
            (VERSION, version),
            ("exporterRpId", Json::text(&exporter.rp_id)),
            ("exporterDisplayName", Json::text(&exporter.display_name)),
            ("timestamp", Json::number(at)),
        ];
        let exporter = exporter.map(|(name, value)| (name.to_owned(), value)).into();
        Self { reports, exporter, account }
    }

    /// One for each candidate, in their order.
    #[must_use]
    pub fn reports(&self) -> &[ExportReport] {
        &self.reports
    }

    /// The whole document, which ends with a line feed: for files, and for Android's transfer,
    /// which takes a document for each account.
    #[must_use]
    pub fn document(&self) -> Zeroizing<Vec<u8>> {
        let mut members = self.exporter.clone();
        members.push((ACCOUNTS.to_owned(), Json::List(vec![self.account.clone()])));
        ended(Json::Object(members).write())
    }

    /// The account alone, without the header: what Apple's exchange takes, which writes its own.
    #[must_use]
    pub fn account(&self) -> Zeroizing<Vec<u8>> {
        ended(self.account.write())
    }
}

/// There is room for it, so that nothing moves.
fn ended(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    bytes.push(b'\n');
    bytes
}

struct Writing<'a> {
    provider: &'a CryptoProvider,
    array: Option<LargeBlobArray>,
    account_id: &'a str,
    /// Of the items so far: kept ones were unique in an account of somebody else.
    ids: HashSet<String>,
}

impl Writing<'_> {
    fn item(&mut self, candidate: Candidate) -> Result<(Json, Vec<Written>), LeftOut> {
        let Candidate { credential, counter, custody } = candidate;
        if !custody.can_move() {
            return Err(LeftOut::KeyNotExportable);
        }
        if !credential.backup_eligible {
            return Err(LeftOut::DeviceBound);
        }
        if counter > 0 && !credential.never_counts {
            return Err(LeftOut::CounterNotZero);
        }
        let key = self.key_package(&credential.key)?;
        let notes = notes(&credential);
        let mut foreign = credential
            .foreign
            .as_ref()
            .and_then(|kept| Foreign::from_bytes(kept.expose()))
            .unwrap_or_default();

        let mut passkey = self.passkey(&credential, key);
        forget_mistyped(&mut foreign.passkey);
        foreign::merge(&mut passkey, foreign.passkey);
        let place = foreign.place.min(foreign.beside.len());
        foreign.beside.insert(place, Json::Object(passkey));

        let mut extensions = vec![extension::write(&credential)];
        if let Some(Json::List(others)) = take(&mut foreign.item, EXTENSIONS) {
            extensions.extend(others);
        }
        let kept_id = take(&mut foreign.item, ID).filter(is_id);
        let kept_id = kept_id.filter(|id| id.as_text().is_some_and(|id| !self.ids.contains(id)));
        let id = kept_id
            .unwrap_or_else(|| Json::Text(item::id(self.account_id, &credential, self.provider)));
        self.ids.extend(id.as_text().map(ToOwned::to_owned));
        let title = take(&mut foreign.item, TITLE).filter(|title| title.as_text().is_some());
        // Times that were none stay out: there are readers who give up the whole document.
        for name in [CREATION_AT, MODIFIED_AT] {
            while take(&mut foreign.item, name).is_some() {}
        }
        let title = title.unwrap_or_else(|| Json::text(item::title(&credential)));
        let time = |time: Option<UnixTime>| time.map(|UnixTime(time)| Json::number(time));
        let members = [
            (ID, Some(id)),
            (CREATION_AT, time(credential.made)),
            (MODIFIED_AT, time(credential.changed)),
            (TITLE, Some(title)),
            (CREDENTIALS, Some(Json::List(foreign.beside))),
            (EXTENSIONS, Some(Json::List(extensions))),
        ];
        let members = members.into_iter();
        let mut members: Members =
            members.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        foreign::merge(&mut members, foreign.item);
        Ok((Json::Object(members), notes))
    }

    fn key_package(&self, handle: &KeyHandle) -> Result<Zeroizing<Vec<u8>>, LeftOut> {
        let algorithm = self.provider.signature(handle.algorithm());
        let key = algorithm.and_then(|algorithm| algorithm.load(handle.expose()).ok());
        let package = key.and_then(|key| KeyPackage::write(handle.algorithm(), &*key));
        package.ok_or(LeftOut::KeyUnreadable)
    }

    fn passkey(&self, credential: &Credential, key: Zeroizing<Vec<u8>>) -> Members {
        let bytes = |bytes: &[u8]| Json::Text(base64url::write(bytes));
        let text = |text: &Option<String>| Json::text(text.as_deref().unwrap_or_default());
        let extensions =
            credential.extensions.as_deref().map(|data| self.extensions(data)).unwrap_or_default();
        let extensions = Some(Json::Object(extensions)).filter(|all| *all != empty());
        let members = [
            (name::TYPE, Some(Json::text(name::PASSKEY))),
            (name::CREDENTIAL_ID, Some(bytes(credential.id.as_bytes()))),
            (name::RP_ID, Some(Json::text(credential.rp_id.as_str()))),
            (name::USERNAME, Some(text(&credential.user.name))),
            (name::USER_DISPLAY_NAME, Some(text(&credential.user.display_name))),
            (name::USER_HANDLE, Some(bytes(credential.user.id.as_bytes()))),
            (name::KEY, Some(bytes(&key))),
            (name::FIDO2_EXTENSIONS, extensions),
        ];
        let members = members.into_iter();
        members.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn extensions(&self, data: &ExtensionData) -> Members {
        let mut members = Members::new();
        let mut put = |name: &str, value| members.push((name.to_owned(), value));
        let bytes = |bytes: &[u8]| Json::Text(base64url::write(bytes));
        if let Some(secrets) = &data.cred_random {
            let secret = |verified| bytes(secrets.secret(self.provider, verified).expose());
            put(
                name::HMAC_CREDENTIALS,
                Json::object([
                    (name::ALGORITHM, Json::text(name::HMAC_SHA_256)),
                    (name::CRED_WITH_UV, secret(true)),
                    (name::CRED_WITHOUT_UV, secret(false)),
                ]),
            );
        }
        if let Some(blob) = &data.cred_blob {
            put(name::CRED_BLOB, bytes(blob.expose()));
        }
        // Where there is an array, sites write to it: what is there is newer than what came along.
        let shared = data.large_blob_key.as_ref().and_then(|key| self.shared_blob(key));
        let own = || data.large_blob.as_ref().and_then(LargeBlobPlace::blob).cloned();
        if let Some(blob) = shared.or_else(own) {
            let size = i64::try_from(blob.original_size).unwrap_or(i64::MAX);
            put(
                name::LARGE_BLOB,
                Json::object([
                    (name::UNCOMPRESSED_SIZE, Json::number(size)),
                    (name::DATA, bytes(&blob.compressed)),
                ]),
            );
        }
        if data.third_party_payment {
            put(name::PAYMENTS, Json::Bool(true));
        }
        members
    }

    /// The blob of this key in the array, opened: the first that the key opens (CTAP 2.3 §6.10.3).
    fn shared_blob(&self, key: &LargeBlobKey) -> Option<LargeBlob> {
        let aead = self.provider.aead.key(key.expose());
        self.array.as_ref()?.find(|map| {
            let data = LargeBlobMap::associated_data(map.orig_size);
            let mut compressed = map.ciphertext;
            aead.open(&map.nonce, &data, &mut compressed).ok()?;
            Some(LargeBlob { compressed, original_size: map.orig_size })
        })
    }
}

/// Whether it is an id as the format has them: up to 64 bytes in base64url.
fn is_id(id: &Json) -> bool {
    let id = id.as_text().filter(|id| !id.is_empty() && id.len() <= 88 && !id.contains('='));
    let read = id.and_then(base64url::read);
    read.is_some_and(|(bytes, form)| bytes.len() <= 64 && form == base64url::Form::Base64Url)
}

/// Parts that the format knows and that could not be read stay out if they have another type than
/// its: there are readers who give up the whole document.
fn forget_mistyped(passkey: &mut Members) {
    passkey.retain_mut(|(name, value)| match value {
        Json::Object(parts) if name == name::FIDO2_EXTENSIONS => {
            parts.retain(|(name, value)| match name.as_str() {
                name::HMAC_CREDENTIALS | name::LARGE_BLOB => matches!(value, Json::Object(_)),
                name::CRED_BLOB => matches!(value, Json::Text(_)),
                name::PAYMENTS => matches!(value, Json::Bool(_)),
                _ => true,
            });
            true
        }
        _ => name != name::FIDO2_EXTENSIONS,
    });
}

const fn empty() -> Json {
    Json::Object(Members::new())
}

fn notes(credential: &Credential) -> Vec<Written> {
    let mut notes = Vec::new();
    if credential.protection != CredentialProtectionPolicy::UserVerificationOptional {
        notes.push(Written::ProtectionLostElsewhere);
    }
    if !credential.discoverable {
        notes.push(Written::FoundElsewhere);
    }
    if matches!(credential.key.algorithm(), -50..=-48) {
        notes.push(Written::ImportersMayNotKnow);
    }
    notes
}
