//! `appid` and `appidExclude` (WebAuthn L3 §10.1.1, §10.1.2): keys that were registered with U2F
//! know the site by an AppID, an address, in the place of its RP ID.

use towline_ctap::RpId;
use url::Url;

use crate::{Caller, Error, PublicSuffixes};

/// The AppID in the place where RP IDs stand: it is hashed alike.
///
/// # Errors
/// [`Error::AppId`] where it is not an address of the caller's own site.
pub(crate) fn check(
    appid: &str,
    caller: &Caller,
    suffixes: &dyn PublicSuffixes,
) -> Result<RpId, Error> {
    let refuse = || Error::AppId(appid.to_owned());
    // Without one, it is the facet: the origin.
    let appid = if appid.is_empty() { caller.origin.as_str() } else { appid };
    let url = Url::parse(appid).map_err(|_| refuse())?;
    let host = url.domain().filter(|_| url.scheme() == "https").ok_or_else(refuse)?;
    let own = caller.origin.domain();
    if host != own && site(host, suffixes) != site(own, suffixes) {
        return Err(refuse());
    }
    RpId::new(appid).map_err(|_| refuse())
}

/// The name that somebody registered: the public suffix and one label more, or all there is.
fn site<'d>(domain: &'d str, suffixes: &dyn PublicSuffixes) -> &'d str {
    let suffix = suffixes.public_suffix(domain);
    let before = domain.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.'));
    let label = before.and_then(|before| before.rsplit('.').next()).unwrap_or_default();
    let length = suffix.len().saturating_add(1).saturating_add(label.len());
    let start = domain.len().checked_sub(length).filter(|_| !label.is_empty());
    start.and_then(|start| domain.get(start..)).unwrap_or(domain)
}
