//! Related origins: what another site says of whom its passkeys may be used by (WebAuthn L3 §5.11).

use std::collections::BTreeSet;

use crate::{
    Error, Origin, PublicSuffixes,
    options::{Dictionary, Value, dom_string, sequence},
};

/// So many different names of sites count, as the standard asks for at least; what follows them is
/// passed over.
const MAX_LABELS: usize = 5;

/// The document at `https://RP_ID/.well-known/webauthn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelatedOrigins(Vec<String>);

impl RelatedOrigins {
    /// Reads it: an object with a list `origins`.
    ///
    /// # Errors
    /// [`Error::Options`] where it is not.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let json = Value::parse(json).map_err(Error::Options)?;
        let json = Dictionary::of(&json, "the document")?;
        let origins = sequence(json.required("origins")?, "origins")?;
        Ok(Self(origins.iter().map(|origin| dom_string(origin).into_owned()).collect()))
    }

    /// Whether it lists this origin (WebAuthn L3 §5.11.1).
    pub(crate) fn list(&self, origin: &Origin, suffixes: &dyn PublicSuffixes) -> bool {
        let mut labels = BTreeSet::new();
        for text in &self.0 {
            let Ok(listed) = Origin::parse(text) else { continue };
            let Some(label) = site_label(listed.domain(), suffixes) else { continue };
            if labels.len() >= MAX_LABELS && !labels.contains(label) {
                continue;
            }
            if listed == *origin {
                return true;
            }
            labels.insert(label.to_owned());
        }
        false
    }
}

/// The label right before the public suffix: `example` of `login.example.co.uk`.
fn site_label<'d>(domain: &'d str, suffixes: &dyn PublicSuffixes) -> Option<&'d str> {
    let before = domain.strip_suffix(suffixes.public_suffix(domain))?.strip_suffix('.')?;
    before.rsplit('.').next().filter(|label| !label.is_empty())
}
