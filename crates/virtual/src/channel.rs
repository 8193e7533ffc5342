//! A virtual authenticator as a [`Channel`] of the WebAuthn client, for programs that bring their
//! own: a desktop app, a login tool.

use std::future::ready;

use towline_client::{BoxFuture, Channel, ChannelError};
use towline_ctap::Transport;

use crate::VirtualAuthenticator;

/// Nothing waits: every future is ready when it is polled first, and the clock of the authenticator
/// jumps where the person takes their time.
impl Channel for VirtualAuthenticator {
    fn transport(&self) -> Transport {
        self.transport().clone()
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async { Self::get_info(self) })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move { Self::carry_out(self, &request) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        // What was asked for was answered at once.
        Box::pin(ready(()))
    }
}
