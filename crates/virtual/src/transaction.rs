//! One request of CTAP under way.

use std::{fmt, time::Instant};

use towline_ctap::Status;

use crate::{VirtualAuthenticator, device::RAW};

/// A request of CTAP that has begun, and may wait: for the person, or for time to pass. There is
/// one at a time; one that is dropped is cancelled.
///
/// ```
/// use towline_virtual::{VirtualAuthenticator, person::*};
///
/// let device = VirtualAuthenticator::security_key();
/// device.person().when(anything()).ignores_it();
/// let mut selection = device.begin_transact(&[0x0b]); // authenticatorSelection waits for a touch
/// assert_eq!(selection.poll(), None);
/// selection.cancel();
/// assert_eq!(selection.poll(), Some(vec![0x2d])); // CTAP2_ERR_KEEPALIVE_CANCEL
/// ```
pub struct Transaction {
    device: VirtualAuthenticator,
    over: bool,
}

impl Transaction {
    pub(crate) fn begin(device: &VirtualAuthenticator, request: &[u8]) -> Self {
        let transport = device.transport().clone();
        device.machine().request(RAW, transport, request);
        Self { device: device.clone(), over: false }
    }

    /// The response, once, or `None` while it waits: a status byte and CBOR. A request that is
    /// never answered ends with CTAP1_ERR_OTHER.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        if self.over {
            return None;
        }
        let mut machine = self.device.machine();
        machine.settle();
        if self.device.person().takes_off() {
            machine.cancel(RAW);
        }
        let response = machine.take_response(RAW)?;
        self.over = true;
        Some(response.unwrap_or_else(|_gone| vec![Status::Other.to_u8()]))
    }

    /// When the clock has to stand for it to go on by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.device.machine().poll_timeout().filter(|_| !self.over)
    }

    /// Cancels it, as CTAPHID_CANCEL does. Its response is still to come.
    pub fn cancel(&mut self) {
        if !self.over {
            self.device.machine().cancel(RAW);
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.over {
            let mut machine = self.device.machine();
            machine.cancel(RAW);
            let _nobody_waits = machine.take_response(RAW);
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("over", &self.over).finish_non_exhaustive()
    }
}
