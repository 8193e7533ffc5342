//! What a new phone is.

use serde::{Deserialize, Serialize};
use towline_virtual::{SyncedSet, crypto::CryptoProvider};
use towline_virtual_phone::{
    FakePhone,
    towline::{PhoneStep, PhoneTransport},
};
use utoipa::ToSchema;

use crate::{
    AuthenticatorId, BadMember, Preset, Protocol, ServiceError, ServiceLimits,
    VirtualAuthenticatorOptions,
    attendant::{Attendant, LeftOpen},
    options::refused,
};

/// What a new phone is: its authenticator, a `phone` if no preset is named, and whose passkeys it
/// has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PhoneOptions {
    /// An authenticator of the session that has the same passkeys, as with a provider that syncs
    /// them: there they can be read, added and changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_with: Option<AuthenticatorId>,
    /// What its authenticator is like; `name` is also what it calls itself to computers.
    #[serde(flatten)]
    pub authenticator: VirtualAuthenticatorOptions,
}

/// What became of options.
pub(crate) struct BuiltPhone {
    pub(crate) device: FakePhone,
    pub(crate) attendant: Attendant,
    pub(crate) passkeys: SyncedSet,
}

/// Puts a phone together, which shares these passkeys if there are any to share.
///
/// # Errors
/// [`ServiceError::Member`] for options that can't be used.
pub(crate) fn build(
    options: &mut PhoneOptions,
    shared: Option<SyncedSet>,
    transport: PhoneTransport,
    provider: &CryptoProvider,
    limits: &ServiceLimits,
    watch: impl FnMut(PhoneStep<'_>) + Send + Sync + 'static,
    left_open: LeftOpen,
) -> Result<BuiltPhone, ServiceError> {
    let authenticator = &mut options.authenticator;
    if authenticator.protocol == Some(Protocol::U2f) || authenticator.preset == Some(Preset::U2fKey)
    {
        let message = "computers speak CTAP2 to phones, and no U2F; leave it out";
        return Err(BadMember::new("protocol", message).into());
    }
    if authenticator.transport.is_some_and(|it| it != crate::Transport::Hybrid) {
        let message = "phones are reached by `hybrid`; leave it out";
        return Err(BadMember::new("transport", message).into());
    }
    if shared.is_some() && authenticator.capacity.is_some() {
        let message = "there is room for as many passkeys as the authenticator has room for that \
                       they are synced with; leave it out";
        return Err(BadMember::new("capacity", message).into());
    }
    authenticator.preset.get_or_insert(Preset::Phone);
    let failed = |error| refused(&error);
    let passkeys = match shared {
        Some(shared) => shared,
        None => {
            let (builder, _) = authenticator.builder(limits)?;
            let most = authenticator.capacity.unwrap_or(limits.credentials);
            builder.provider(provider.clone()).capacity(most).build().map_err(failed)?.synced_set()
        }
    };
    let (builder, switches) = authenticator.builder(limits)?;
    let builder = builder.provider(provider.clone()).synced_with(&passkeys);
    let device = FakePhone::over(builder, transport);
    let device = device.map_err(|error| BadMember::new("", error.to_string()))?;
    let device = match &authenticator.name {
        Some(name) => device.named(name),
        None => device,
    };
    let device = device.with(|phone| phone.with_watcher(watch));
    device.person().leaves_it_to_verify();
    let attendant = Attendant::new(device.person().clone(), switches, Some(left_open));
    Ok(BuiltPhone { device, attendant, passkeys })
}
