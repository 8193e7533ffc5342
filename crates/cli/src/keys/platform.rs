//! The platform in front of the key whose store this is: requests go in as bytes and are answered
//! at once, since nobody else has the key, and nothing here is asked of a person.

use std::time::Instant;

use towline::{
    authenticator::{Authenticator, ChannelId, Config, Output, SoftwareKeys},
    crypto::CryptoProvider,
};
use towline_ctap::{GetInfo, Transport};
use towline_store::Store;

use crate::exit::{Exit, Failure};

/// getInfo, which is no more than its command byte (CTAP 2.3 section 6.4).
const GET_INFO: [u8; 1] = [0x04];

/// A security key, and nobody else who uses it.
pub(crate) struct Platform(Authenticator);

impl Platform {
    pub(crate) fn over(store: Store, provider: &CryptoProvider) -> Result<Self, Failure> {
        let keys = SoftwareKeys::new(provider.clone());
        let key = Authenticator::new(Config::security_key(), provider.clone(), store, keys);
        let mut key = key.map_err(failed)?;
        key.handle_power_up(Instant::now());
        Ok(Self(key))
    }

    /// The response, with its status byte.
    pub(crate) fn request(&mut self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let Self(key) = self;
        key.handle_request_over(Transport::Usb, ChannelId(1), request, Instant::now());
        while let Some(output) = key.poll_output() {
            match output {
                Output::Work { token, job } => {
                    key.handle_work(token, job.run(), Instant::now()).map_err(failed)?;
                }
                Output::Response { bytes, .. } => return Ok(bytes.to_vec()),
                _ => {}
            }
        }
        Err(failed("it does not answer"))
    }

    pub(crate) fn get_info(&mut self) -> Result<GetInfo, Failure> {
        GetInfo::decode(&self.request(&GET_INFO)?).map_err(failed)
    }
}

pub(crate) fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "failed", format!("the key failed: {why}"))
}
