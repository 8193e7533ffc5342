//! Who asks: origins, and the RP IDs that they may use (WebAuthn L3 §5.1.3, §5.1.4; HTML,
//! "registrable domain suffix").

use std::fmt;

use towline_ctap::RpId;
use url::{Host, Url};

use crate::{Error, error::OriginProblem, related::RelatedOrigins};

/// The origin of a site: `https`, or `http` on localhost; a domain name; perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    serialized: String,
    domain: String,
}

impl Origin {
    /// Reads an origin such as `https://login.example.org`. Names that are not ASCII are converted
    /// (IDNA).
    ///
    /// # Errors
    /// [`Error::Origin`] where it is more or less than an origin, not secure, or an IP address.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(domain) = text.strip_prefix("https://").filter(|host| is_plain(host)) {
            return Ok(Self { serialized: text.to_owned(), domain: domain.to_owned() });
        }
        Self::parse_any(text)
    }

    fn parse_any(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::Origin { origin: text.to_owned(), reason };
        let url = Url::parse(text).map_err(|_| refuse(OriginProblem::Syntax))?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(refuse(OriginProblem::Syntax));
        }
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse(OriginProblem::Insecure)),
        };
        let domain = match url.host() {
            Some(Host::Domain(domain)) => domain.to_owned(),
            Some(_) => return Err(refuse(OriginProblem::IpAddress)),
            None => return Err(refuse(OriginProblem::Syntax)),
        };
        if domain.ends_with('.') {
            return Err(refuse(OriginProblem::Syntax));
        }
        // Names under localhost never leave the machine (RFC 6761 §6.3).
        if !secure && domain != "localhost" && !domain.ends_with(".localhost") {
            return Err(refuse(OriginProblem::Insecure));
        }
        Ok(Self { serialized: url.origin().ascii_serialization(), domain })
    }

    /// The origin in its one ASCII form, as it stands in client data.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.serialized
    }

    /// The effective domain: the host, in lower-case ASCII.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The RP ID to use: the one asked for if this origin may use it, or the effective domain.
    ///
    /// # Errors
    /// [`Error::InvalidRpId`], [`Error::PublicSuffix`] or [`Error::RelatedOrigin`].
    pub fn rp_id(
        &self,
        asked_for: Option<&str>,
        suffixes: &dyn PublicSuffixes,
    ) -> Result<RpId, Error> {
        let rp_id = asked_for.unwrap_or(&self.domain);
        let invalid = || Error::InvalidRpId(rp_id.to_owned());
        // Only the canonical form is taken: the authenticator hashes the text as it is.
        let is_canonical = || match Host::parse(rp_id) {
            Ok(Host::Domain(domain)) => domain == rp_id && !domain.ends_with('.'),
            _ => false,
        };
        // The effective domain is in that form already.
        if rp_id != self.domain && !is_canonical() {
            return Err(invalid());
        }
        if rp_id != self.domain {
            if suffixes.public_suffix(rp_id) == rp_id {
                return Err(Error::PublicSuffix(rp_id.to_owned()));
            }
            if !is_parent(rp_id, &self.domain) {
                return Err(Error::RelatedOrigin {
                    rp_id: rp_id.to_owned(),
                    origin: self.serialized.clone(),
                });
            }
            // Above the public suffix of this very name there is no site either, even where that is
            // no suffix itself.
            if is_parent(rp_id, suffixes.public_suffix(&self.domain)) {
                return Err(Error::PublicSuffix(rp_id.to_owned()));
            }
        }
        RpId::new(rp_id).map_err(|_| invalid())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.serialized)
    }
}

/// Whether a host is a domain name that URLs leave as it is, as nearly all are: labels of
/// lower-case letters, digits and hyphens, none of them encoded by IDNA, and the last of them no
/// number, which would make an IP address of it.
fn is_plain(host: &str) -> bool {
    let is_plain = |label: &str| {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with("xn--")
    };
    host.split('.').all(is_plain)
        && host.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_alphabetic()))
}

/// Whether `child` ends in a dot and `parent`.
fn is_parent(parent: &str, child: &str) -> bool {
    child.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

/// The page that asks: a site on its own, or embedded in another site's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub(crate) origin: Origin,
    pub(crate) top_origin: Option<Origin>,
    /// What another site says about this one: its RP ID, and its document.
    related: Option<(String, RelatedOrigins)>,
}

impl Caller {
    /// A page that is not embedded in another, or only in pages of its own origin.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self { origin, top_origin: None, related: None }
    }

    /// A page of `origin` in a frame, somewhere below a page of `top_origin`. Whether that page
    /// allows it (permissions policy, WebAuthn L3 §5.9) is for the caller to know.
    #[must_use]
    pub const fn embedded(origin: Origin, top_origin: Origin) -> Self {
        Self { origin, top_origin: Some(top_origin), related: None }
    }

    /// The same page, and what the site of this RP ID says of whom its passkeys may be used by: the
    /// document at `https://RP_ID/.well-known/webauthn`, fetched without credentials, by redirects
    /// over `https` alone, of type `application/json` (WebAuthn L3 §5.11.1). Other RP IDs stay as
    /// they are.
    ///
    /// # Errors
    /// [`Error::Options`] where it is not that document.
    pub fn related(self, rp_id: &str, document_json: &str) -> Result<Self, Error> {
        let related = Some((rp_id.to_owned(), RelatedOrigins::parse(document_json)?));
        Ok(Self { related, ..self })
    }

    /// The RP ID to use, as [`Origin::rp_id`], or one whose site lists this origin.
    ///
    /// # Errors
    /// As there.
    pub fn rp_id(
        &self,
        asked_for: Option<&str>,
        suffixes: &dyn PublicSuffixes,
    ) -> Result<RpId, Error> {
        match (self.origin.rp_id(asked_for, suffixes), &self.related) {
            (Err(Error::RelatedOrigin { rp_id, .. }), Some((of, related)))
                if rp_id == *of && related.list(&self.origin, suffixes) =>
            {
                RpId::new(&rp_id).map_err(|_| Error::InvalidRpId(rp_id))
            }
            (result, _) => result,
        }
    }
}

impl From<Origin> for Caller {
    fn from(origin: Origin) -> Self {
        Self::new(origin)
    }
}

/// A list of public suffixes: names under which anyone may have a name (publicsuffix.org).
pub trait PublicSuffixes: Send + Sync {
    /// The longest public suffix at the end of a domain name in lower-case ASCII; at least its last
    /// label.
    fn public_suffix<'d>(&self, domain: &'d str) -> &'d str;
}

/// The public suffix list that is compiled in, with its private section (`github.io`).
#[derive(Debug, Clone, Copy, Default)]
pub struct CompiledPublicSuffixes;

impl PublicSuffixes for CompiledPublicSuffixes {
    fn public_suffix<'d>(&self, domain: &'d str) -> &'d str {
        use psl::Psl as _;
        let length = psl::List.suffix(domain.as_bytes()).map_or(0, |found| found.as_bytes().len());
        let start = domain.len().saturating_sub(length);
        match domain.get(start..) {
            Some(suffix) if !suffix.is_empty() => suffix,
            // The rule that holds where no other does: the last label (publicsuffix.org,
            // "prevailing rule").
            _ => domain.rsplit('.').next().unwrap_or(domain),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_origins_are_what_the_parser_of_urls_makes_of_them(host in "[a-c0x.nX:/é-]{0,12}") {
            let text = format!("https://{host}");
            prop_assert_eq!(Origin::parse(&text), Origin::parse_any(&text));
        }
    }

    #[test]
    fn what_urls_change_or_refuse_is_not_plain() {
        for host in ["", "example.org", "a.b-c.d2", "localhost", "xn.xn-.x--y"] {
            assert_eq!(is_plain(host), !host.is_empty(), "{host}");
        }
        for host in ["A.org", "a..b", "a.", ".a", "xn--a.org", "1.2.3.4", "a.0x1", "a.1", "a:1"] {
            assert!(!is_plain(host), "{host}");
        }
    }
}
