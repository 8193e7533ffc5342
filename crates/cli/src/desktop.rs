//! Questions as desktop notifications, for a key that nobody watches a terminal for.

#[cfg(all(feature = "desktop", target_os = "linux"))]
mod notifications;

#[cfg(all(feature = "desktop", target_os = "linux"))]
pub(crate) use notifications::Desktop;

/// There are none here.
#[derive(Clone)]
#[cfg(not(all(feature = "desktop", target_os = "linux")))]
pub(crate) enum Desktop {}

#[cfg(not(all(feature = "desktop", target_os = "linux")))]
impl Desktop {
    #[allow(clippy::unused_async)]
    pub(crate) async fn find() -> Result<Self, crate::exit::Failure> {
        let message = "this program was built without desktop notifications (cargo's feature `desktop`, on Linux)";
        Err(crate::exit::Failure::usage("no_notifications", message))
    }

    #[allow(clippy::unused_async)]
    pub(crate) async fn answer(
        &self,
        _question: &towline::authenticator::Question,
    ) -> Option<towline::authenticator::Answer> {
        match *self {}
    }

    #[allow(clippy::unused_async)]
    pub(crate) async fn clear(&self) {
        match *self {}
    }
}
