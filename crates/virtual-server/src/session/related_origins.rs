//! Which other sites may use the passkeys of a site (WebAuthn L3 §5.11).

use towline_client::{Caller, Error as CeremonyError, Origin};

use super::{Session, State};
use crate::{BadMember, PageOrigin, ServiceError};

impl Session {
    /// Publishes the document at `https://RP_ID/.well-known/webauthn`: JSON, an object with a list
    /// `origins`. It counts from the next ceremony or signal on. The service fetches nothing, so
    /// that without this nobody vouches for anybody.
    ///
    /// # Errors
    /// [`ServiceError::Member`] where the RP ID is no domain, or the document not as it must be;
    /// [`ServiceError::Full`]; [`ServiceError::UnknownSession`] where it has ended.
    pub fn publish_related_origins(
        &self,
        rp_id: &str,
        document_json: &str,
    ) -> Result<(), ServiceError> {
        let bad = |member, error: &CeremonyError| BadMember::new(member, error.to_string());
        let site = Origin::parse(&format!("https://{rp_id}"));
        let site = site.map_err(|error| bad("rpId", &error))?;
        if site.domain() != rp_id {
            return Err(BadMember::new("rpId", "it is no domain name in lower case").into());
        }
        let readable = Caller::new(site).related(rp_id, document_json);
        readable.map_err(|error| bad("origins", &error))?;
        self.with(|state, world| {
            let (known, most) = (&mut state.related_origins, world.limits.related_origins);
            if known.len() >= most && !known.contains_key(rp_id) {
                return Err(ServiceError::Full { what: "documents of related origins", most });
            }
            known.insert(rp_id.to_owned(), document_json.to_owned());
            Ok(())
        })
    }
}

impl State {
    /// Begins something for a page; where the RP ID is another site's, with what that has
    /// published.
    pub(super) fn for_page<T>(
        &self,
        page: &PageOrigin,
        begin: impl Fn(&Caller) -> Result<T, CeremonyError>,
    ) -> Result<T, CeremonyError> {
        let caller = page.to_client();
        match begin(&caller) {
            Err(CeremonyError::RelatedOrigin { rp_id, origin }) => {
                let Some(document) = self.related_origins.get(&rp_id) else {
                    return Err(CeremonyError::RelatedOrigin { rp_id, origin });
                };
                begin(&caller.related(&rp_id, document)?)
            }
            result => result,
        }
    }
}
