//! authenticatorCredentialManagement.

use arbitrary::Arbitrary;
use towline_ctap::{
    CredentialManagementRequest, CredentialManagementSubcommand as Sub, Request, RpIdHash, User,
};

use super::{Listed, Name, Party, Proof, Sensible, handle};
use crate::watch::Watch;

/// One look at the credentials, or a change of one.
#[derive(Debug, Arbitrary)]
pub struct CredentialManagement {
    what: What,
    proof: Proof,
}

#[derive(Debug, Arbitrary)]
enum What {
    Metadata,
    Parties,
    NextParty,
    Credentials(Party),
    CredentialsOfNobody(u8),
    NextCredential,
    Delete(Listed),
    Rename { credential: Listed, user: Option<u8>, names: [Name; 2] },
}

impl Sensible for CredentialManagement {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let sub = match &self.what {
            What::Metadata => Sub::GetCredsMetadata,
            What::Parties => Sub::EnumerateRpsBegin,
            What::NextParty => Sub::EnumerateRpsGetNextRp,
            What::Credentials(rp) => Sub::EnumerateCredentialsBegin(rp.id().hash(&watch.provider)),
            What::CredentialsOfNobody(byte) => {
                Sub::EnumerateCredentialsBegin(RpIdHash::new([*byte; 32]))
            }
            What::NextCredential => Sub::EnumerateCredentialsGetNextCredential,
            What::Delete(listed) => Sub::DeleteCredential(listed.id(watch)),
            What::Rename { credential, user, names } => {
                let credential = credential.id(watch);
                let [name, display_name] = names.map(Name::text);
                let stored = watch.store.credential(&credential).map(|stored| stored.user.id);
                let id = user.map(handle).or(stored).unwrap_or_else(|| handle(0));
                let user = User { id, name, display_name };
                Sub::UpdateUserInformation { credential, user }
            }
        };
        let mut request = CredentialManagementRequest::new(sub);
        request.auth = self.proof.auth(watch);
        Request::from(request).encode()
    }
}
