//! The platform in front of the key whose store this is: requests go in as bytes and are answered
//! at once, since nobody else has the key, and nothing here is asked of a person.

use towline::{
    authenticator::{Authenticator, ChannelId, Config, SoftwareKeys},
    crypto::CryptoProvider,
};
use towline_ctap::{GetInfo, Transport};
use towline_device::{Device, Nobody};
use towline_store::Store;

use crate::exit::{Exit, Failure};

/// The only channel.
const CHANNEL: ChannelId = ChannelId(1);

/// A security key, and nobody else who uses it.
pub(crate) struct Platform(Device<Nobody>);

impl Platform {
    pub(crate) fn over(store: Store, provider: &CryptoProvider) -> Result<Self, Failure> {
        let keys = SoftwareKeys::new(provider.clone());
        let key = Authenticator::new(Config::security_key(), provider.clone(), store, keys);
        let mut key = Device::new(key.map_err(failed)?, Nobody);
        key.power_up();
        Ok(Self(key))
    }

    /// The response, with its status byte.
    pub(crate) async fn request(&mut self, request: &[u8]) -> Vec<u8> {
        self.0.transact(Transport::Usb, CHANNEL, request).await
    }

    pub(crate) async fn get_info(&mut self) -> Result<GetInfo, Failure> {
        let info = self.0.get_info(Transport::Usb, CHANNEL).await.map_err(failed)?;
        GetInfo::from_cbor(&info).map_err(failed)
    }
}

pub(crate) fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "failed", format!("the key failed: {why}"))
}
