//! Who notices which fault. docs/faults.md says it; here it is found out, and compared.

use std::time::Duration;

use serde_json::json;
use towline_ctap::hid::{Host, HostOutput};
use towline_virtual::{
    Builder, Fault, Injected, Place, VirtualAuthenticator,
    person::{anything, choosing},
};

use crate::{
    judges::{Judge, Strict, WebauthnRs, put_list},
    options::ORIGIN,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Registration,
    SignIn,
}

/// What came of a fault.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
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

struct Visit<J> {
    judge: J,
    device: VirtualAuthenticator,
    fault: Fault,
}

impl<J: Judge> Visit<J> {
    fn begin(fault: Fault) -> Self {
        let device = match fault {
            // Only phones speak `prf` to this client.
            Fault::PrfChanges | Fault::PrfMissing => Builder::phone(),
            _ if fault.place() == Place::Message => Builder::u2f_key(),
            _ => Builder::fingerprint_key(),
        };
        let device = device.seed(7).build().unwrap();
        device.person().when(choosing()).picks_the_account(BOB);
        let judge = J::new(fault.place() != Place::Message);
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
        if self.fault.place() == Place::Message {
            options["authenticatorSelection"] = json!({"userVerification": "discouraged"});
        }
        let response = self.device.create(ORIGIN, &options.to_string());
        Ok(self.judge.finish_registration(&response.map_err(|error| error.name())?))
    }

    fn sign_in(&mut self) -> Result<Result<(), String>, &'static str> {
        let mut options = self.judge.begin_sign_in();
        let bob = self.judge.credential(BOB);
        if self.fault.place() == Place::Message {
            options["userVerification"] = "discouraged".into();
        }
        let foreign = json!({"type": "public-key", "id": "Zm9yZWlnbg"});
        if without_list(self.fault) {
            options["allowCredentials"] = json!([]);
        } else if self.fault == Fault::IgnoresAllowList {
            put_list(&mut options, "allowCredentials", &self.judge.credential(ALICE));
        } else {
            put_list(&mut options, "allowCredentials", &bob);
        }
        if self.fault == Fault::U2fClaimsAll {
            let own = options["allowCredentials"][0].take();
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
    fn registration(mut self) -> Option<Seen> {
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
    fn sign_in_only(mut self) -> Option<Seen> {
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

fn seen<J: Judge>(fault: Fault, phase: Phase) -> Option<Seen> {
    let mut visit = Visit::<J>::begin(fault);
    match phase {
        Phase::Registration => visit.registration(),
        Phase::SignIn if fault == Fault::IgnoresExcludeList => None,
        Phase::SignIn => {
            visit.fault = fault;
            visit.sign_in_only()
        }
    }
}

/// A host of CTAPHID asks for the longest answer, waits for a person, and calls it off.
fn over_hid(fault: Fault) -> Result<usize, String> {
    let mut count = 0;
    for (request, cancels) in [(0x04, false), (0x0b, false), (0x0b, true)] {
        let key = VirtualAuthenticator::security_key();
        let injected = key.faults().inject(fault);
        let takes_a_while = key.person().when(anything()).waits(Duration::from_secs(9));
        let _script = if cancels { takes_a_while.ignores_it() } else { takes_a_while.consents() };
        let (mut hid, mut host) = (key.hid(), Host::new());
        let now = || key.clock().now();
        host.open([7; 8], now());
        let mut keepalives = 0;
        loop {
            match host.poll_output() {
                Some(HostOutput::Send(report)) => hid.send(report),
                Some(HostOutput::Opened(_)) => host.send_cbor(&[request], now()).unwrap(),
                Some(HostOutput::Message { .. }) => break,
                Some(HostOutput::Keepalive(_)) => {
                    keepalives += 1;
                    if cancels && keepalives == 3 {
                        host.cancel();
                    }
                }
                Some(HostOutput::Failed(failure)) => return Err(format!("{failure:?}")),
                None => match hid.receive() {
                    Some(report) => host.handle_packet(&report, now()),
                    None => {
                        let due = [hid.poll_timeout(), host.poll_timeout()];
                        let due = due.into_iter().flatten().min();
                        key.clock().advance_to(due.expect("something happens"));
                        host.handle_timeout(now());
                    }
                },
            }
        }
        count += injected.count();
    }
    Ok(count)
}

/// One line of the table, and what nobody notices.
fn line(fault: Fault) -> (String, Option<String>) {
    let phases = [(Phase::Registration, "registration"), (Phase::SignIn, "sign-in")];
    let (mut client, mut columns) = (Vec::new(), [Vec::new(), Vec::new()]);
    let (mut came, mut passed, mut unnoticed) = (false, false, Vec::new());
    if fault.place() == Place::Report {
        match over_hid(fault) {
            Ok(count) => {
                assert!(count > 0, "{fault} never comes");
                unnoticed.push("host");
            }
            Err(failure) => client.push(failure),
        }
        came = true;
    } else {
        for (phase, name) in phases {
            let strict = seen::<Strict>(fault, phase);
            if let Some(Seen::Client(of)) = strict {
                came = true;
                client.push(format!("{name}: {of}"));
                continue;
            }
            let seen = [strict, seen::<WebauthnRs>(fault, phase)];
            if seen.contains(&None) {
                assert_eq!(seen, [None, None], "{fault}");
                continue;
            }
            came = true;
            passed = true;
            if seen == [Some(Seen::Nobody), Some(Seen::Nobody)] {
                unnoticed.push(name);
            }
            for (column, seen) in columns.iter_mut().zip(seen) {
                match seen.unwrap() {
                    Seen::Verifier(_) => column.push(name),
                    Seen::Later(_) => column.push("the next sign-in"),
                    Seen::Nobody => {}
                    Seen::Client(of) => panic!("{fault}: the client gives one {of} alone"),
                }
            }
        }
    }
    assert!(came, "{fault} never comes");
    let client = match (client.is_empty(), fault.place()) {
        (true, Place::Result) => "–".to_owned(),
        (true, _) => "no".to_owned(),
        (false, _) => client.join("; "),
    };
    let [strict, webauthn_rs] = columns.map(|column| match (column.is_empty(), passed) {
        (true, false) => "–".to_owned(),
        (true, true) => "no".to_owned(),
        (false, _) => column.join(", "),
    });
    let about = fault.describe();
    let line = format!("| `{fault}` | {about} | {client} | {strict} | {webauthn_rs} |\n");
    let unnoticed = (!unnoticed.is_empty()).then(|| match &unnoticed[..] {
        ["host"] => format!("- `{fault}`\n"),
        phases => format!("- `{fault}` ({})\n", phases.join(", ")),
    });
    (line, unnoticed)
}

#[test]
fn the_table_says_who_notices_what() {
    let places = [
        (Place::Request, "## Requests", "client"),
        (Place::Answer, "## Answers", "client"),
        (Place::Signature, "## Signatures", "client"),
        (Place::Result, "## Results", "client"),
        (Place::Message, "## Messages of U2F", "client"),
        (Place::Report, "## Reports of CTAPHID", "host"),
    ];
    let (mut table, mut unnoticed) = (String::new(), String::new());
    for (place, heading, who) in places {
        table += &format!("{heading}\n\n");
        table += &format!("| fault | what it does | {who} | `StrictVerifier` | `webauthn-rs` |\n");
        table += "| --- | --- | --- | --- | --- |\n";
        for fault in Fault::ALL.iter().filter(|fault| fault.place() == place) {
            let (line, nobody) = line(*fault);
            table += &line;
            unnoticed += &nobody.unwrap_or_default();
        }
        table += "\n";
    }
    let found = format!("{table}## What nobody notices\n\n{unnoticed}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md");
    let written = std::fs::read_to_string(path).unwrap();
    if !written.contains(&found) {
        let new = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults.md");
        std::fs::write(new, &found).unwrap();
        panic!("docs/faults.md is out of date; what was found is in {new}");
    }
}
