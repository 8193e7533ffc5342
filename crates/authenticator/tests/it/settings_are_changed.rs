//! authenticatorConfig: who may use it.

use crate::rig::{platform::Platform, *};
use towline_authenticator::{BuiltInVerification, Config, ConfigError};
use towline_ctap::{ConfigRequest, ConfigSubcommand, Permissions, Request, Status};

/// A security key with a screen lock that may permit to configure it.
fn config(configures: bool) -> Config {
    let mut config = Config::security_key();
    let mut verification = BuiltInVerification::screen_lock();
    verification.configures = configures;
    config.verification.built_in = Some(verification);
    config
}

fn toggle(rig: &mut Rig, token: &platform::PlatformToken) -> Result<Vec<u8>, Status> {
    let mut request = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
    request.auth = Some(token.auth(rig, &request.authenticated_message()));
    rig.call(&Request::from(request))
}

#[test]
fn verification_permits_to_configure_where_that_is_configured_only() {
    let mut rig = Rig::new(config(false));
    assert_eq!(rig.info().options.uv_acfg, None);
    let platform = Platform::agree(&mut rig, 2);
    let refused = platform.uv_token(&mut rig, Permissions::ACFG, None);
    assert_eq!(refused, Err(Status::UnauthorizedPermission));
    let both = Permissions::ACFG | Permissions::CM;
    let refused = platform.uv_token(&mut rig, both, None);
    assert_eq!(refused, Err(Status::UnauthorizedPermission));
    assert!(rig.questions.is_empty());
    let mut rig = Rig::new(config(true));
    assert_eq!(rig.info().options.uv_acfg, Some(true));
    let platform = Platform::agree(&mut rig, 2);
    let other = platform.uv_token(&mut rig, Permissions::CM, None).unwrap();
    assert_eq!(toggle(&mut rig, &other), Err(Status::PinAuthInvalid));
    let token = platform.uv_token(&mut rig, Permissions::ACFG, None).unwrap();
    assert_eq!(toggle(&mut rig, &token), Ok(vec![0x00]));
    assert_eq!(rig.info().options.always_uv, Some(true));
}

#[test]
fn verification_permits_nothing_that_is_not_there() {
    let mut config = config(true);
    assert_eq!(config.validate(), Ok(()));
    config.verification.always_uv_configurable = false;
    config.pin.as_mut().unwrap().min_length_rp_ids = None;
    let error = ConfigError::Needs {
        feature: "verification.built_in.configures",
        needs: "a subcommand of authenticatorConfig",
    };
    assert_eq!(config.validate(), Err(error));
}
