//! An authenticator with one fault visits a site.

use serde_json::json;
use towline_virtual::{
    Builder, Fault, FaultPlace, Injected, VirtualAuthenticator, person::choosing,
};

use crate::{
    cases::{ORIGIN, u2f_vendor},
    judges::{Judge, put_list},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Registration,
    SignIn,
}

impl Phase {
    pub(crate) const BOTH: [Self; 2] = [Self::Registration, Self::SignIn];

    /// As the page names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::SignIn => "sign-in",
        }
    }
}

/// What came of a fault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The client refused: the name of the exception.
    Client(&'static str),
    /// The verifier refused, for this reason.
    Verifier(String),
    /// It was registered, and the first sign-in without the fault failed.
    Later(String),
    Nobody,
}

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";

/// Whether it matters only where the site lists no credentials.
fn without_list(fault: Fault) -> bool {
    use Fault as F;
    matches!(
        fault,
        F::MissingUserHandle
            | F::ForeignUserHandle
            | F::EmptyUserHandle
            | F::LongUserHandle
            | F::AnswerForNobody
            | F::AnotherAccount
    )
}

/// A device with one fault at a site, whose people are alice and bob.
struct Visit<J> {
    judge: J,
    device: VirtualAuthenticator,
    fault: Fault,
}

impl<J: Judge> Visit<J> {
    fn begin(fault: Fault) -> Self {
        let device = match fault {
            // Phones give `prf` as it is; what a key gives is signed as well.
            Fault::PrfChanges | Fault::PrfMissing => Builder::phone(),
            _ if fault.place() == FaultPlace::Message => {
                Builder::u2f_key().batch_attestation(u2f_vendor().batch().unwrap())
            }
            _ => Builder::fingerprint_key(),
        };
        let device = device.seed(7).build().unwrap();
        device.person().when(choosing()).picks_the_account(BOB);
        let judge = J::new(fault.place() != FaultPlace::Message);
        let mut visit = Self { judge, device, fault };
        visit.register(ALICE).unwrap().unwrap();
        visit
    }

    /// Once; but a touch is missed, and a key handle not known, each time that it is asked for.
    fn for_so_long(&self, injected: Injected) -> Injected {
        match self.fault {
            Fault::U2fNeverTouched | Fault::U2fForgets | Fault::U2fClaimsAll => injected,
            _ => injected.once(),
        }
    }

    /// The client's refusal, or the verifier's.
    fn register(&mut self, account: &str) -> Result<Result<(), String>, &'static str> {
        let mut options = self.judge.begin_registration(account);
        if self.fault == Fault::IgnoresExcludeList && account == BOB {
            let alice = self.judge.credential(ALICE);
            put_list(&mut options, "excludeCredentials", &alice);
        }
        if matches!(self.fault, Fault::PrfChanges | Fault::PrfMissing) {
            options["extensions"] = json!({ "prf": { "eval": { "first": "AAAA" } } });
        }
        if self.fault.place() == FaultPlace::Message {
            options["authenticatorSelection"] = json!({"userVerification": "discouraged"});
            options["attestation"] = "direct".into();
        }
        let response = self.device.create(ORIGIN, &options.to_string());
        Ok(self.judge.finish_registration(&response.map_err(|error| error.name())?))
    }

    fn sign_in(&mut self) -> Result<Result<(), String>, &'static str> {
        let mut options = self.judge.begin_sign_in();
        let bob = self.judge.credential(BOB);
        if without_list(self.fault) {
            options["allowCredentials"] = json!([]);
        } else if self.fault == Fault::IgnoresAllowList {
            put_list(&mut options, "allowCredentials", &self.judge.credential(ALICE));
        } else {
            put_list(&mut options, "allowCredentials", &bob);
        }
        if self.fault.place() == FaultPlace::Message {
            options["userVerification"] = "discouraged".into();
        }
        if self.fault == Fault::U2fClaimsAll {
            let own = options["allowCredentials"][0].take();
            let foreign = json!({"type": "public-key", "id": "Zm9yZWlnbg"});
            options["allowCredentials"] = json!([foreign, own]);
        }
        if matches!(self.fault, Fault::PrfChanges | Fault::PrfMissing) {
            options["extensions"] = json!({ "prf": { "eval": { "first": "AAAA" } } });
        }
        let response = self.device.get(ORIGIN, &options.to_string());
        let response = response.map_err(|error| error.name())?;
        Ok(self.judge.finish_sign_in(&response, !without_list(self.fault)))
    }

    /// What comes of the fault in a registration; `None` if it can't come there.
    fn registration(&mut self) -> Option<Seen> {
        let injected = self.device.faults().inject(self.fault).while_registering();
        let injected = self.for_so_long(injected);
        let result = self.register(BOB);
        if injected.count() == 0 {
            assert!(self.fault == Fault::IgnoresExcludeList || result == Ok(Ok(())), "{result:?}");
            return None;
        }
        Some(match result {
            Err(name) => Seen::Client(name),
            Ok(Err(reason)) => Seen::Verifier(reason),
            Ok(Ok(())) => match self.sign_in() {
                Ok(Ok(())) => Seen::Nobody,
                Ok(Err(reason)) => Seen::Later(reason),
                Err(name) => Seen::Later(name.into()),
            },
        })
    }

    /// The same in a sign-in.
    fn sign_in_only(&mut self) -> Option<Seen> {
        self.register(BOB).unwrap().unwrap_or(());
        let counts = matches!(self.fault, Fault::CounterGoesBack | Fault::CounterLost);
        for _ in 0..if counts { 2 } else { 1 } {
            self.sign_in().unwrap().unwrap();
        }
        let injected = self.device.faults().inject(self.fault).while_signing_in();
        let injected = self.for_so_long(injected);
        // A signature may be as the fault wants it by chance.
        for _ in 0..64 {
            let result = self.sign_in();
            if injected.count() > 0 {
                return Some(match result {
                    Err(name) => Seen::Client(name),
                    Ok(Err(reason)) => Seen::Verifier(reason),
                    Ok(Ok(())) => Seen::Nobody,
                });
            }
            assert_eq!(result, Ok(Ok(())), "{}", self.fault);
            if self.fault != Fault::HighS {
                return None;
            }
        }
        panic!("{} never comes", self.fault);
    }
}

/// What came of the fault, and the site that saw it; `None` if the fault can't come there.
pub(crate) fn seen<J: Judge>(fault: Fault, phase: Phase) -> Option<(Seen, J)> {
    let mut visit = Visit::<J>::begin(fault);
    let seen = match phase {
        Phase::Registration => visit.registration(),
        Phase::SignIn if fault == Fault::IgnoresExcludeList => None,
        Phase::SignIn => visit.sign_in_only(),
    };
    Some((seen?, visit.judge))
}
