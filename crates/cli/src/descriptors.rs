//! How many descriptors this process may have: each connection takes one.

/// Raises the limit as far as `wanted`, or as far as the system lets it; how many there may be
/// then. Nothing where that is not known.
#[cfg(unix)]
pub(crate) fn raise(wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let before = getrlimit(Resource::Nofile);
    // Nothing means that there is no limit.
    let current = before.current?;
    let most = before.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if most > current {
        let raised = Rlimit { current: Some(most), maximum: before.maximum };
        // One that can't be raised stays as it was.
        let _refused = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}

/// Not known here.
#[cfg(not(unix))]
pub(crate) const fn raise(_wanted: u64) -> Option<u64> {
    None
}
