//! Credentials that a request names: stored ones, and those that are their ids (CTAP 2.3 §6.1.2
//! step 12, §6.2.2 step 7).

use towline_ctap::{CredentialId, RpId, User, extension::CredentialProtectionPolicy};

use crate::{
    Config, Counter, Counters, CredRandom, Credential, ExtensionData, KeyHandle,
    flow::{Core, Flow, await_work},
    wrapped::{self, Opened},
    wrapping,
};

/// A credential for the request at hand, wherever it is kept.
pub(crate) struct Located {
    pub(crate) id: CredentialId,
    pub(crate) rp_id: RpId,
    /// The account; not known of a credential that is not stored.
    pub(crate) user: Option<User>,
    pub(crate) discoverable: bool,
    pub(crate) protection: CredentialProtectionPolicy,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) key: KeyHandle,
    pub(crate) never_counts: bool,
    pub(crate) extensions: Option<Box<ExtensionData>>,
}

impl From<Credential> for Located {
    fn from(stored: Credential) -> Self {
        Self {
            id: stored.id,
            rp_id: stored.rp_id,
            user: Some(stored.user),
            discoverable: stored.discoverable,
            protection: stored.protection,
            backup_eligible: stored.backup_eligible,
            backed_up: stored.backed_up,
            key: stored.key,
            never_counts: stored.never_counts,
            extensions: stored.extensions,
        }
    }
}

impl Located {
    /// What counts its signatures; `None` where nothing is counted. One that is not stored has no
    /// counter of its own.
    pub(crate) fn counter(&self, counters: Counters) -> Option<Counter> {
        match counters {
            _ if self.never_counts => None,
            Counters::Zero => None,
            Counters::PerCredential if self.user.is_some() => Some(Counter::Of(self.id.clone())),
            Counters::Global | Counters::PerCredential => Some(Counter::Global),
        }
    }

    fn opened(config: &Config, id: CredentialId, rp_id: RpId, opened: Opened) -> Self {
        let Opened { content, hmac_secret } = opened;
        let cred_random =
            (config.extensions.hmac_secret || config.extensions.prf).then_some(hmac_secret);
        let extensions = ExtensionData {
            cred_random: cred_random.map(CredRandom::Derived),
            third_party_payment: content.third_party_payment,
            cred_blob: content.cred_blob,
            ..ExtensionData::default()
        };
        Self {
            id,
            rp_id,
            user: None,
            discoverable: false,
            protection: content.protection,
            backup_eligible: content.backup_eligible,
            backed_up: false,
            key: content.key,
            never_counts: false,
            extensions: Some(Box::new(extensions)),
        }
    }
}

/// Those of the listed credentials that are of this authenticator and for this relying party, in
/// the order of the list. Those that are their ids cost the store nothing.
pub(crate) fn find(
    core: &mut Core,
    rp_id: &RpId,
    ids: Vec<CredentialId>,
    then: impl FnOnce(&mut Core, Vec<Located>) -> Flow + Send + 'static,
) -> Flow {
    if !ids.iter().any(|id| wrapped::may_be(id.as_bytes())) {
        let work = core.store.find(rp_id, &ids);
        return await_work(core, work, |core, found| {
            let found = found.map_err(|error| error.status())?;
            then(core, found.into_iter().map(Located::from).collect())
        });
    }
    let rp_id = rp_id.clone();
    wrapping::load(core, move |core| {
        let rp_id_hash = rp_id.hash(&core.provider);
        let mut places: Vec<(CredentialId, Option<Located>)> = Vec::with_capacity(ids.len());
        for id in ids {
            let opened = core.state.wrapping.open(&rp_id_hash, id.as_bytes());
            let located = opened
                .map(|opened| Located::opened(&core.config, id.clone(), rp_id.clone(), opened));
            places.push((id, located));
        }
        let unknown = places.iter().filter(|(_, located)| located.is_none());
        let unknown: Vec<CredentialId> = unknown.map(|(id, _)| id.clone()).collect();
        if unknown.is_empty() {
            return then(core, places.into_iter().filter_map(|(_, located)| located).collect());
        }
        let work = core.store.find(&rp_id, &unknown);
        await_work(core, work, |core, found| {
            let mut found = found.map_err(|error| error.status())?.into_iter().peekable();
            let in_order = places.into_iter().filter_map(|(id, located)| {
                located.or_else(|| found.next_if(|next| next.id == id).map(Located::from))
            });
            let located = in_order.collect();
            then(core, located)
        })
    })
}
