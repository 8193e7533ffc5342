//! Authenticators that need no second device: what is built into the computer, and a security key.

use std::time::Instant;

use tokio::{sync::Notify, time::sleep_until};
use towline::{
    LocalAuthenticator,
    client::{
        Account, BoxFuture, Caller, Channel, ChannelError, Client, Environment, Error, create, get,
    },
    ctap::Transport,
};
use towline_virtual::{
    BuildError, Builder, Parts, SyncedSet, VirtualAuthenticator,
    attestation::{Format, TestAttestation},
};
use towline_virtual_server::Exchange;

use crate::{
    board::{Board, COMPUTER, Place},
    desk::{Asked, Desk, Holder, Reply},
    devices::DeviceId,
    handset::ctap,
};

/// An authenticator that is reached without a second device.
pub(crate) struct BuiltIn {
    id: DeviceId,
    local: tokio::sync::Mutex<LocalAuthenticator<Holder>>,
    client: Client,
    /// The same passkeys, for what sites signal about them.
    manager: VirtualAuthenticator,
    board: Board,
}

impl BuiltIn {
    pub(crate) fn new(
        id: DeviceId,
        client: Client,
        desk: &Desk,
        board: &Board,
    ) -> Result<Self, BuildError> {
        let builder = || match id {
            DeviceId::Key => Builder::fingerprint_key(),
            _ => Builder::platform(),
        };
        let manager = builder().build()?;
        let parts = builder()
            .synced_with(&manager.synced_set())
            .attestation(TestAttestation::new(Format::Packed))
            .build_parts()?;
        let Parts { authenticator, .. } = parts;
        let holder = Holder { device: id, desk: desk.clone() };
        let local = LocalAuthenticator::new(authenticator, client.clone(), holder);
        let local = tokio::sync::Mutex::new(local);
        Ok(Self { id, local, client, manager, board: board.clone() })
    }

    pub(crate) fn passkeys(&self) -> SyncedSet {
        self.manager.synced_set()
    }

    pub(crate) const fn manager(&self) -> &VirtualAuthenticator {
        &self.manager
    }

    /// Carries out a ceremony: `create` or `get`.
    pub(crate) async fn ceremony(
        &self,
        ceremony: &'static str,
        caller: &Caller,
        options_json: &str,
        here: &Here<'_>,
    ) -> Result<String, Error> {
        let mut local = self.local.lock().await;
        let mut seen = Seen { inner: &mut local, id: self.id, board: &self.board };
        let result = if ceremony == "create" {
            create(&self.client, &mut seen, here, caller, options_json).await
        } else {
            get(&self.client, &mut seen, here, caller, options_json).await
        };
        self.board.passkeys(self.id, || self.manager.passkeys());
        result
    }
}

/// A channel whose messages are seen.
struct Seen<'a> {
    inner: &'a mut LocalAuthenticator<Holder>,
    id: DeviceId,
    board: &'a Board,
}

impl Channel for Seen<'_> {
    fn transport(&self) -> Transport {
        Channel::transport(self.inner)
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        self.inner.get_info()
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            self.board.mark("request", false);
            let device = Place::Device(self.id);
            ctap(self.board, COMPUTER, device, &Exchange::request(&request));
            let response = Channel::transact(self.inner, request.clone()).await?;
            self.board.mark("response", false);
            ctap(self.board, device, COMPUTER, &Exchange::response(&request, &response));
            Ok(response)
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        self.inner.cancel()
    }
}

/// The person at the computer, as the client needs them.
pub(crate) struct Here<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) cancel: &'a Notify,
}

impl Environment for Here<'_> {
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(sleep_until(deadline.into()))
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(choose(self.desk, accounts))
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.cancel.notified())
    }
}

/// The browser's dialog asks which account.
pub(crate) async fn choose(desk: &Desk, accounts: &[Account]) -> Option<usize> {
    let names =
        accounts.iter().map(|account| account.user.name.clone().unwrap_or_default()).collect();
    let asked = Asked::Account { site: String::new(), accounts: names };
    match desk.post(DeviceId::Browser, asked).reply().await {
        Reply::Account(index) => Some(index),
        _ => None,
    }
}
