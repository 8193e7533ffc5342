//! The roots that a site trusts, and the time at which it looks.

use std::{fmt, sync::Arc, time::SystemTime};

/// Trust anchors for attestation (§7.1 step 23): the certificates to one of which the certificates
/// of a statement have to lead.
#[derive(Clone)]
pub struct TrustAnchors {
    roots: Vec<Vec<u8>>,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl TrustAnchors {
    /// These roots, each a certificate in DER, at the time that `now` tells: a server gives
    /// `SystemTime::now`.
    pub fn new(
        roots: impl IntoIterator<Item = Vec<u8>>,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self { roots: roots.into_iter().collect(), now: Arc::new(now) }
    }

    pub(super) fn roots(&self) -> &[Vec<u8>] {
        &self.roots
    }

    /// In seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        let since = (self.now)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustAnchors").field("roots", &self.roots.len()).finish_non_exhaustive()
    }
}
