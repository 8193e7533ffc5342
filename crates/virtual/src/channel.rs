//! A virtual authenticator as a [`Channel`] of the WebAuthn client, for programs that bring their
//! own: a desktop app, a login tool.

use std::{future::ready, time::Duration};

use towline_client::{BoxFuture, Channel, ChannelError, U2fBridge, U2fOutput};
use towline_ctap::{Status, Transport};

use crate::VirtualAuthenticator;

/// Nothing waits: every future is ready when it is polled first, and the clock of the authenticator
/// jumps where the person takes their time.
impl Channel for VirtualAuthenticator {
    fn transport(&self) -> Transport {
        self.transport().clone()
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async {
            if self.speaks_u2f_alone() { Ok(U2fBridge::info()) } else { Self::get_info(self) }
        })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            if self.speaks_u2f_alone() {
                return Ok(carry_out_by_u2f(self, &request));
            }
            Self::carry_out(self, &request)
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        // What was asked for was answered at once.
        Box::pin(ready(()))
    }
}

/// How long a program asks a key again and again whether it was touched.
const PATIENCE: Duration = Duration::from_secs(30);

fn carry_out_by_u2f(device: &VirtualAuthenticator, request: &[u8]) -> Vec<u8> {
    let mut bridge = U2fBridge::new(device.provider().clone());
    bridge.handle_request(request);
    let until = device.clock().now().checked_add(PATIENCE);
    loop {
        match bridge.poll_output() {
            Some(U2fOutput::Response(response)) => return response,
            Some(U2fOutput::Apdu(apdu)) => {
                let answer = device.u2f(&apdu);
                bridge.handle_answer(&answer, device.clock().now());
            }
            None => match bridge.poll_timeout().filter(|due| Some(*due) < until) {
                Some(due) if !device.person().takes_off() => {
                    device.clock().advance_to(due);
                    bridge.handle_timeout(due);
                }
                Some(_) => bridge.handle_cancel(),
                None => return vec![Status::UserActionTimeout.to_u8()],
            },
        }
    }
}
