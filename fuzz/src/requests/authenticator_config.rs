//! authenticatorConfig.

use arbitrary::Arbitrary;
use towline_ctap::{ConfigRequest, ConfigSubcommand as Sub, Request, SetMinPinLength};

use super::{Party, Proof, Sensible};
use crate::watch::Watch;

/// A change of a setting.
#[derive(Debug, Arbitrary)]
pub struct AuthenticatorConfig {
    what: What,
    proof: Proof,
}

#[derive(Debug, Arbitrary)]
enum What {
    EnterpriseAttestation,
    ToggleAlwaysUv,
    MinPinLength {
        length: Option<u8>,
        rp_ids: Option<Vec<Party>>,
        force: Option<bool>,
        complexity: Option<bool>,
    },
    LongTouch,
    Vendor(Option<u8>),
}

impl Sensible for AuthenticatorConfig {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let sub = match &self.what {
            What::EnterpriseAttestation => Sub::EnableEnterpriseAttestation,
            What::ToggleAlwaysUv => Sub::ToggleAlwaysUv,
            What::MinPinLength { length, rp_ids, force, complexity } => {
                Sub::SetMinPinLength(SetMinPinLength {
                    // Up to beyond the longest PIN, but most of the time something that can be
                    // kept.
                    new_min_pin_length: length.map(|length| u64::from(length / 3)),
                    min_pin_length_rp_ids: rp_ids
                        .as_ref()
                        .map(|ids| ids.iter().take(12).map(|rp| rp.text().to_owned()).collect()),
                    force_change_pin: *force,
                    pin_complexity_policy: *complexity,
                })
            }
            What::LongTouch => Sub::EnableLongTouchForReset,
            What::Vendor(command) => Sub::VendorPrototype { command: command.map(u64::from) },
        };
        let mut request = ConfigRequest::new(sub);
        request.auth = self.proof.auth(watch);
        Request::from(request).encode()
    }
}
