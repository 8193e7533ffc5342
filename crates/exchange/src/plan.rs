//! What an import would do, before anything is done.

use std::collections::{BTreeSet, HashMap};

use towline_authenticator::{
    Change, Credential, ExtensionData, KeyHandle, LargeBlobPlace, Replaces, UnixTime,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{CredentialId, RpId, extension::CredentialProtectionPolicy};

use crate::{
    BadKeyPackage, Conflict, Defect, Import, ImportLimits, ItemOutcome, ItemReport, KeyPackage,
    Missing,
    extension::Claims,
    foreign::Foreign,
    import::{Account, Entry, Item},
    item::{self, EXTENSIONS, ID, TITLE},
    json::{Json, Members},
    passkey::{Found, cut, take},
};

/// Where passkeys are imported to.
#[derive(Debug, Clone)]
pub struct Importer {
    /// Which keys can be used there. Each key signs once before it is taken.
    pub provider: CryptoProvider,
    /// The least `credProtect` level that a passkey gets; one that a document claims counts where
    /// it is stricter.
    pub protection: CredentialProtectionPolicy,
    /// What was deleted there, by id, and stays away.
    pub deleted: BTreeSet<CredentialId>,
}

impl Importer {
    /// To an authenticator with this provider, and no rules of its own.
    #[must_use]
    pub const fn new(provider: CryptoProvider) -> Self {
        let protection = CredentialProtectionPolicy::UserVerificationOptional;
        Self { provider, protection, deleted: BTreeSet::new() }
    }
}

/// What an import would do: a report for each credential, and the changes that do it. Nothing is
/// done by dropping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    reports: Vec<ItemReport>,
    credentials: Vec<Credential>,
}

impl Import {
    /// Judges each credential: by itself, by those before it in the document, and by what is there
    /// already, which `existing` looks up by id.
    ///
    /// All passkeys that go in never count ([`Credential::never_counts`]) and are eligible for
    /// backup (BE).
    ///
    /// # Errors
    /// What `existing` fails with.
    pub fn plan<E>(
        self,
        mut existing: impl FnMut(&CredentialId) -> Result<Option<Credential>, E>,
        importer: &Importer,
    ) -> Result<Plan, E> {
        let mut planning = Planning {
            importer,
            limits: self.limits,
            planned: HashMap::new(),
            plan: Plan { reports: Vec::new(), credentials: Vec::new() },
        };
        for account in self.accounts {
            let Account { id, items } = account;
            for item in items {
                planning.item(item, id.as_deref(), &mut existing)?;
            }
        }
        Ok(planning.plan)
    }
}

impl Plan {
    /// One for each credential of the document, in its order; for an item that is none, one.
    #[must_use]
    pub fn reports(&self) -> &[ItemReport] {
        &self.reports
    }

    /// The passkeys that go in.
    #[must_use]
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// What brings all of them in: for one
    /// [`commit`](towline_authenticator::CredentialStore::commit). None of them takes the place of
    /// another, since the site may know both.
    #[must_use]
    pub fn changes(self) -> Vec<Change> {
        let save = |credential| Change::Save {
            credential: Box::new(credential),
            replaces: Replaces::Nothing,
        };
        self.credentials.into_iter().map(save).collect()
    }
}

/// What is to be compared of a passkey that is there.
struct There {
    rp_id: RpId,
    key: KeyHandle,
}

struct Planning<'a> {
    importer: &'a Importer,
    limits: ImportLimits,
    /// Those that go in, by id.
    planned: HashMap<CredentialId, There>,
    plan: Plan,
}

impl Planning<'_> {
    fn item<E>(
        &mut self,
        item: Item,
        account: Option<&str>,
        existing: &mut impl FnMut(&CredentialId) -> Result<Option<Credential>, E>,
    ) -> Result<(), E> {
        let Item { title, made, changed, mut extensions, rest, credentials } = item;
        // What is not ours goes with the first passkey of the item that goes in.
        let mut carried = Some(Carried { rest, beside: Vec::new() });
        let beside = |entry: &Entry| match entry {
            Entry::Other { whole, .. } => Some(whole.clone()),
            _ => None,
        };
        if let Some(carried) = &mut carried {
            carried.beside = credentials.iter().filter_map(beside).collect();
        }
        let mut claims = Claims::take(&mut extensions);
        let first = self.plan.reports.len();
        let mut others_before = 0_usize;
        let mut kept = false;
        for entry in credentials {
            let report = |site, account, outcome| ItemReport {
                title: title.clone(),
                site,
                account,
                made,
                outcome,
            };
            let report = match entry {
                Entry::Other { kind, .. } => {
                    others_before = others_before.saturating_add(1);
                    report(None, None, ItemOutcome::NotAPasskey { kind, kept: false })
                }
                Entry::Refused { refusal, site, account } => {
                    report(site, account, ItemOutcome::Refused(refusal))
                }
                Entry::Passkey(found) => {
                    let site = Some(found.rp_id.as_str().to_owned());
                    let named = found.user.name.clone();
                    let named = named.or_else(|| found.user.display_name.clone());
                    let claims = claims.remove(&found.id);
                    let outcome = match self.judge(&found, existing)? {
                        Err(outcome) => outcome,
                        Ok(key) => {
                            let times = [made, changed];
                            let whole = carried.take().map(|mut carried| {
                                carried.with_extensions(&extensions);
                                carried
                            });
                            let carries = whole.is_some();
                            let place = Place { account, title: title.as_deref(), others_before };
                            let (outcome, complete) =
                                self.add(*found, key, claims, times, whole, &place);
                            kept |= carries && complete;
                            outcome
                        }
                    };
                    report(site, named, outcome)
                }
            };
            self.plan.reports.push(report);
        }
        for report in self.plan.reports.iter_mut().skip(first) {
            if let ItemOutcome::NotAPasskey { kept: told, .. } = &mut report.outcome {
                *told = kept;
            }
        }
        Ok(())
    }

    /// The key of a passkey that can go in, or else what becomes of it.
    fn judge<E>(
        &self,
        found: &Found,
        existing: &mut impl FnMut(&CredentialId) -> Result<Option<Credential>, E>,
    ) -> Result<Result<KeyHandle, ItemOutcome>, E> {
        let key = match key_that_signs(&found.key, &self.importer.provider) {
            Ok(key) => key,
            Err(reason) => return Ok(Err(ItemOutcome::Refused(reason.into()))),
        };
        let compared = |rp_id: &RpId, there: &KeyHandle| {
            if *rp_id != found.rp_id {
                ItemOutcome::Conflict(Conflict::SameIdOtherSite)
            } else if *there != key {
                ItemOutcome::Conflict(Conflict::SameIdOtherKey)
            } else {
                ItemOutcome::AlreadyThere
            }
        };
        if let Some(There { rp_id, key }) = self.planned.get(&found.id) {
            return Ok(Err(compared(rp_id, key)));
        }
        Ok(match existing(&found.id)? {
            Some(there) => Err(compared(&there.rp_id, &there.key)),
            None if self.importer.deleted.contains(&found.id) => Err(ItemOutcome::DeletedHere),
            None => Ok(key),
        })
    }

    /// Takes a passkey in, and says what is missing, and whether all that is not ours is kept.
    fn add(
        &mut self,
        found: Found,
        key: KeyHandle,
        claims: Option<Claims>,
        [made, changed]: [Option<i64>; 2],
        carried: Option<Carried>,
        place: &Place<'_>,
    ) -> (ItemOutcome, bool) {
        let Found { id, rp_id, user, extensions, mut missing, leftover, .. } = found;
        let there = There { rp_id: rp_id.clone(), key: key.clone() };
        self.planned.insert(id.clone(), there);
        let mut credential = Credential::new(id, rp_id, user, key);
        credential.discoverable = true;
        credential.backup_eligible = true;
        credential.never_counts = true;
        credential.protection = self.importer.protection;
        credential.made = made.map(UnixTime);
        credential.changed = changed.map(UnixTime);
        let mut data = extensions;
        if let Some(claims) = claims {
            missing.extend(claims.apply(&mut credential, &mut data, self.limits.name));
        }
        credential.extensions = (data != ExtensionData::default()).then(|| Box::new(data));
        let mut foreign = Foreign { passkey: leftover, ..Foreign::default() };
        match carried {
            Some(Carried { rest, beside }) => {
                (foreign.item, foreign.beside) = (rest, beside);
                foreign.place = place.others_before;
                place.forget_own(&mut foreign.item, &credential, &self.importer.provider);
            }
            None => {
                let title = place.title.filter(|title| *title != item::title(&credential));
                foreign.item.extend(title.map(|title| (TITLE.to_owned(), Json::text(title))));
            }
        }
        let complete = match foreign.to_bytes(self.limits.foreign) {
            Ok(foreign) => {
                credential.foreign = foreign;
                true
            }
            Err(_) => {
                missing.push(Missing::ForeignTooLarge);
                false
            }
        };
        self.plan.credentials.push(credential);
        let outcome = match missing.is_empty() {
            true => ItemOutcome::Imported,
            false => ItemOutcome::ImportedPartly(missing),
        };
        (outcome, complete)
    }
}

/// What is not ours of an item.
struct Carried {
    rest: Members,
    beside: Vec<Json>,
}

impl Carried {
    fn with_extensions(&mut self, extensions: &[Json]) {
        if !extensions.is_empty() {
            self.rest.push((EXTENSIONS.to_owned(), Json::List(extensions.to_vec())));
        }
    }
}

/// Where in a document a passkey was.
struct Place<'a> {
    account: Option<&'a str>,
    title: Option<&'a str>,
    others_before: usize,
}

impl Place<'_> {
    /// Takes out what an export would write just so by itself.
    fn forget_own(&self, item: &mut Members, credential: &Credential, provider: &CryptoProvider) {
        let own_title = self.title == Some(item::title(credential));
        let own_id = self.account.is_some_and(|account| {
            let own = item::id(account, credential, provider);
            item.iter().any(|(name, id)| name == ID && id.as_text() == Some(&*own))
        });
        for (is_own, name) in [(own_title, TITLE), (own_id, ID)] {
            if is_own {
                take(item, name);
            }
        }
    }
}

impl Claims {
    /// What a document says of one of ours, as far as it lowers nothing, with names of at most so
    /// many bytes. What does not come along whole.
    fn apply(
        self,
        credential: &mut Credential,
        data: &mut ExtensionData,
        longest: usize,
    ) -> Vec<Missing> {
        let mut missing = Vec::new();
        let Self { protection, discoverable, backup_eligible, .. } = self;
        let Self { rp_name, names, large_blob_key, large_blob_place, .. } = self;
        if let Some(level) = protection
            && level.level() > credential.protection.level()
        {
            credential.protection = level;
        }
        credential.discoverable = discoverable.unwrap_or(credential.discoverable);
        if backup_eligible == Some(false) {
            credential.backup_eligible = false;
            missing.push(Missing::DeviceBound);
        }
        if rp_name.as_ref().is_some_and(|name| name.len() > longest) {
            missing.push(Missing::NameTooLong);
        }
        credential.rp_name = rp_name.map(|name| cut(&name, longest).to_owned());
        let user = &mut credential.user;
        for (has, name) in [
            (names.has_username(), &mut user.name),
            (names.has_display_name(), &mut user.display_name),
        ] {
            if has {
                name.get_or_insert_default();
            }
        }
        data.large_blob_key = large_blob_key;
        if large_blob_place {
            data.large_blob.get_or_insert(LargeBlobPlace::Empty);
        }
        let holds = data.large_blob.as_ref().and_then(LargeBlobPlace::blob).is_some();
        if holds && data.large_blob_key.is_some() {
            missing.push(Missing::LargeBlobUnreachable);
        }
        missing
    }
}

/// What a key signs to show that it can.
const TRIAL: &[u8] = b"towline exchange: can this key sign?";

/// The key of a package, if it can sign, and if the public key beside it is its own.
fn key_that_signs(der: &[u8], provider: &CryptoProvider) -> Result<KeyHandle, Defect> {
    let package = KeyPackage::read(der).map_err(|error| match error {
        BadKeyPackage::Malformed => Defect::BadKey,
        BadKeyPackage::Unsupported => Defect::UnsupportedKey,
    })?;
    let algorithm = provider.signature(package.algorithm).ok_or(Defect::UnsupportedKey)?;
    let key = algorithm.load(&package.private).map_err(|_| Defect::BadKey)?;
    let own = key.public_key();
    if package.public.is_some_and(|beside| !is_point(&beside, own)) {
        return Err(Defect::KeyMismatch);
    }
    let signature = key.sign(&[TRIAL]).map_err(|_| Defect::BadKey)?;
    algorithm.verify(own, TRIAL, &signature).map_err(|_| Defect::BadKey)?;
    let material = key.private_bytes().map_err(|_| Defect::BadKey)?;
    Ok(KeyHandle::new(package.algorithm, material.as_slice().to_vec().into_boxed_slice().into()))
}

/// Whether both are one public key, the first maybe as a compressed point.
fn is_point(beside: &[u8], own: &[u8]) -> bool {
    if beside == own {
        return true;
    }
    let (Some((&[sign @ (2 | 3)], x)), Some((&[4], point))) =
        (beside.split_first_chunk(), own.split_first_chunk())
    else {
        return false;
    };
    let odd = point.last().is_some_and(|last| last & 1 == 1);
    point.get(..x.len()) == Some(x)
        && x.len().checked_mul(2) == Some(point.len())
        && odd == (sign == 3)
}
