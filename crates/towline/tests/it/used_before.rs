//! An authenticator over a store that was used before says from the start what that store makes of
//! it.

use towline::{
    Agreeable, LocalAuthenticator,
    authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys},
    client::{Channel, Client},
};
use towline_ctap::{ConfigRequest, ConfigSubcommand, GetInfo, Request};

fn key(store: &MemoryStore) -> LocalAuthenticator<Agreeable> {
    let provider = towline::crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let config = Config::security_key();
    let authenticator = Authenticator::new(config, provider.clone(), store.clone(), keys).unwrap();
    LocalAuthenticator::new(authenticator, Client::new(provider), Agreeable)
}

#[tokio::test]
async fn the_first_ceremony_knows_what_the_store_holds() {
    let store = MemoryStore::new();
    let always = async |device: &mut LocalAuthenticator<Agreeable>| {
        let info = GetInfo::from_cbor(&device.get_info().await.unwrap()).unwrap();
        info.options.always_uv.unwrap()
    };
    let mut device = key(&store);
    assert!(!always(&mut device).await);
    let toggle = Request::from(ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv));
    assert_eq!(device.transact(&toggle.encode()).await, [0]);
    drop(device);
    assert!(always(&mut key(&store)).await, "asked before any other request");
}
