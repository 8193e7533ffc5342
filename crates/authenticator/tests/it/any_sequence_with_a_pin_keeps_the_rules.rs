//! Random PINs, tokens, creations, power-ups, restarts and time, against a model: retries only go
//! down until the right PIN, and nobody is verified by anything else.

use std::time::Duration;

use crate::rig::{platform::*, *};
use proptest::{collection::vec, prelude::*};
use towline_authenticator::{Config, ResetTime};
use towline_ctap::{Flags, Permissions, Request, Status};

const PINS: [&str; 3] = ["2468-blue", "1357-red", "8642-green"];
const RPS: [&str; 2] = ["example.org", "example.com"];

#[derive(Debug, Clone)]
enum Step {
    SetPin(usize),
    ChangePin(usize, usize),
    Token { protocol: u64, pin: usize, creates: bool, rp: usize },
    Create { rp: usize, with_token: bool, touched: bool },
    PowerUp,
    Restart,
    Pass(u64),
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_usize).prop_map(Step::SetPin),
        2 => (0..3_usize, 0..3_usize).prop_map(|(old, new)| Step::ChangePin(old, new)),
        6 => (1..3_u64, 0..3_usize, any::<bool>(), 0..2_usize)
            .prop_map(|(protocol, pin, creates, rp)| Step::Token { protocol, pin, creates, rp }),
        6 => (0..2_usize, any::<bool>(), any::<bool>())
            .prop_map(|(rp, with_token, touched)| Step::Create { rp, with_token, touched }),
        2 => Just(Step::PowerUp),
        1 => Just(Step::Restart),
        2 => (0..45_u64).prop_map(Step::Pass),
        1 => Just(Step::Reset),
    ]
}

/// What must be so.
#[derive(Default)]
struct Model {
    pin: Option<usize>,
    retries: u64,
    in_a_row: u8,
    token: Option<Good>,
}

/// A token that is good for a creation, seconds until it isn't, and for whom.
struct Good {
    token: PlatformToken,
    left: u64,
    used: bool,
    rp: usize,
    creates: bool,
}

impl Model {
    /// What a PIN is answered with, and what comes of it.
    fn try_pin(&mut self, pin: usize) -> Result<(), Status> {
        let Some(right) = self.pin else { return Err(Status::PinNotSet) };
        if self.retries == 0 {
            return Err(Status::PinBlocked);
        }
        if self.in_a_row == 3 {
            return Err(Status::PinAuthBlocked);
        }
        if pin == right {
            (self.retries, self.in_a_row) = (8, 0);
            return Ok(());
        }
        self.retries -= 1;
        self.in_a_row += 1;
        Err(match (self.retries, self.in_a_row) {
            (0, _) => Status::PinBlocked,
            (_, 3) => Status::PinAuthBlocked,
            _ => Status::PinInvalid,
        })
    }
}

fn config() -> Config {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    config
}

fn run(steps: Vec<Step>) {
    let mut rig = Rig::new(config());
    let mut model = Model::default();
    for step in steps {
        rig.forget_past();
        match step {
            Step::SetPin(pin) => {
                let set = Platform::agree(&mut rig, 2).set_pin(&mut rig, PINS[pin]);
                if model.pin.is_some() {
                    assert_eq!(set, Err(Status::PinAuthInvalid));
                } else {
                    assert_eq!(set, Ok(()));
                    model = Model { pin: Some(pin), retries: 8, ..Model::default() };
                }
            }
            Step::ChangePin(old, new) => {
                let platform = Platform::agree(&mut rig, 2);
                let changed = platform.change_pin(&mut rig, PINS[old], PINS[new]);
                assert_eq!(changed, model.try_pin(old));
                if changed.is_ok() {
                    model.pin = Some(new);
                    model.token = None;
                }
            }
            Step::Token { protocol, pin, creates, rp } => {
                let platform = Platform::agree(&mut rig, protocol);
                let permission = if creates { Permissions::MC } else { Permissions::GA };
                let given = platform.pin_token(&mut rig, PINS[pin], permission, Some(RPS[rp]));
                assert_eq!(given.as_ref().map(drop), model.try_pin(pin).as_ref().map(drop));
                if let Ok(token) = given {
                    model.token = Some(Good { token, left: 30, used: false, rp, creates });
                }
            }
            Step::Create { rp, with_token, touched } => {
                create(&mut rig, &mut model, rp, with_token, touched)
            }
            Step::PowerUp => {
                rig.power_up();
                model.in_a_row = 0;
                model.token = None;
            }
            Step::Restart => {
                rig = Rig::over(config(), rig.store);
                model.in_a_row = 0;
                model.token = None;
            }
            Step::Pass(seconds) => {
                rig.pass(Duration::from_secs(seconds));
                model.token = model.token.take().and_then(|token| {
                    let left = token.left.checked_sub(seconds).filter(|left| *left > 0)?;
                    Some(Good { left, ..token })
                });
            }
            Step::Reset => {
                rig.call(&Request::Reset).unwrap();
                model = Model::default();
                assert!(rig.store.is_empty());
            }
        }
        let retries = if model.pin.is_some() { model.retries } else { 8 };
        let latched = (model.in_a_row == 3).then_some(true);
        assert_eq!(pin_retries(&mut rig), (retries, latched));
        assert_eq!(rig.info().options.client_pin, Some(model.pin.is_some()));
        assert!(!rig.authenticator.is_busy());
    }
}

fn create(rig: &mut Rig, model: &mut Model, rp: usize, with_token: bool, touched: bool) {
    let mut request = creation(RPS[rp], "alice");
    request.options.rk = Some(true);
    let proof = model.token.as_ref().filter(|_| with_token);
    if let Some(good) = proof {
        good.token.authorize(rig, &mut request);
    }
    let permitted = proof.map(|good| good.creates && good.rp == rp);
    if touched {
        rig.person(agreeable);
    } else {
        rig.person(refusing);
    }
    let before = rig.store.len();
    let made = rig.create(&request);
    rig.person(agreeable);
    // A proof that was checked keeps the token from its first-use limit, whatever it permits.
    if let Some(good) = model.token.as_mut().filter(|_| with_token)
        && !good.used
    {
        good.used = true;
        good.left = 600 - (30 - good.left);
    }
    match (model.pin.is_some(), permitted) {
        (true, None) => assert_eq!(made.unwrap_err(), Status::PuatRequired),
        (true, Some(false)) => assert_eq!(made.unwrap_err(), Status::PinAuthInvalid),
        _ if !touched => {
            assert_eq!(made.unwrap_err(), Status::OperationDenied);
            assert_eq!(rig.store.len(), before);
        }
        (_, permitted) => {
            let flags = data(&made.unwrap().auth_data).flags;
            assert!(flags.contains(Flags::UP));
            assert_eq!(flags.contains(Flags::UV), permitted == Some(true));
            // The touch used the token up.
            if let Some(good) = &mut model.token {
                good.creates = false;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pin_keeps_the_rules(steps in vec(step(), 1..60)) {
        run(steps);
    }
}
