//! towline beside its peers: `towline-compare [ROUNDS [TITLE]]` prints what came out, of the tables
//! with these words in their title, and `towline-compare write [ROUNDS]` writes it to
//! `benches/RESULTS.md`, `benches/results/`, and the six lines in the project's README.md. Run in
//! `benches/compare`; README.md says how.

mod anew;
mod cbor;
mod floors;
mod front;
mod handshake;
mod pairs;
mod peers;
mod report;
mod run;

use std::{fs, rc::Rc};

use passkey_crypto::{aws_lc_rs::AwsLcRsBackend, rust_crypto::RustCryptoBackend};
use towline_authenticator::Config;
use towline_benches::{
    authenticator::Ceremonies,
    ctap::{Answered, Message},
    hybrid::{Adverts, Handshake},
    primitives::{Agreement, Sealing, Signing, hkdf, sha256},
};
use towline_crypto::CryptoProvider;
use towline_virtual::{Builder, VirtualAuthenticator};

use peers::{CREATION, ORIGIN, passkey_rs, soft_fido2, softpasskey};
use run::{Contestant, Group, race};

/// How often each contestant has a turn.
const ROUNDS: usize = 51;

/// What keeps towline from the floor, by profile: it stays from run to run.
const BOUNDS: &str = include_str!("../bounds.md");

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let write = arguments.first().is_some_and(|argument| argument == "write");
    if write {
        arguments.remove(0);
    }
    let rounds = arguments.first().map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let mut text = report::head(rounds);
    let mut results = Vec::new();
    let wanted = arguments.get(1).filter(|_| !write).map_or("", String::as_str);
    for mut group in groups().into_iter().filter(|group| group.title.contains(wanted)) {
        let rows = race(&mut group, rounds);
        text += &report::table(&group, &rows);
        eprintln!("{}", group.title);
        results.push((group.title, rows));
    }
    if !wanted.is_empty() {
        println!("{text}");
        return;
    }
    text += BOUNDS;
    text += "\n## Plots\n\n![getAssertion against credentials](results/credentials.svg)\n\n\
             ![an advert against codes on show](results/codes.svg)\n\n\
             ![a pair at the relay against pairs](results/pairs.svg)\n\n";
    text += "Left out: cable-tunnel-server-backend, which the relay is compared with by \
             `towline-relay-load` and docs/scale.md; and the reading of adverts by \
             webauthn-authenticator-rs, which cannot be called from outside.\n";
    let plots =
        [("credentials", credentials(rounds)), ("codes", codes(rounds)), ("pairs", pairs(rounds))];
    if write {
        fs::create_dir_all("../results").expect("a folder");
        fs::write("../RESULTS.md", report::wrapped(&text)).expect("RESULTS.md");
        for (name, plot) in plots {
            fs::write(format!("../results/{name}.svg"), plot).expect("a plot");
        }
        front::write(&results);
    } else {
        println!("{text}");
    }
}

/// towline's providers, the fastest first.
fn providers() -> [(&'static str, CryptoProvider); 5] {
    [
        ("fastest", towline_crypto_fastest::provider()),
        ("AWS-LC", towline_crypto_aws_lc::provider()),
        ("graviola", graviola()),
        ("ring", towline_crypto_ring::provider()),
        ("portable", towline_crypto::rustcrypto::provider()),
    ]
}

/// Where the processor is none for graviola, the provider that is taken in its place.
fn graviola() -> CryptoProvider {
    towline_crypto_graviola::provider().unwrap_or_else(towline_crypto::rustcrypto::provider)
}

/// A contestant of towline's for each provider.
fn ours<T>(make: impl Fn(CryptoProvider) -> T) -> Vec<Contestant>
where
    T: FnMut() + 'static,
{
    let named = |(name, provider)| Contestant::new(format!("towline, {name}"), make(provider));
    providers().map(named).into_iter().collect()
}

fn group(
    title: &'static str,
    about: &'static str,
    floor: Contestant,
    parts: impl IntoIterator<Item = Contestant>,
) -> Group {
    Group { title, about, contestants: [floor].into_iter().chain(parts).collect() }
}

fn groups() -> Vec<Group> {
    [keys(), primitives(), ceremonies(), webauthn(), hybrid(), codec()]
        .into_iter()
        .flatten()
        .collect()
}

fn keys() -> Vec<Group> {
    let signing = |provider: &CryptoProvider| Signing::new(provider, -7);
    vec![
        group(
            "New key for ES256",
            "With its public half. The floor is aws-lc-rs alone.",
            Contestant::new("aws-lc-rs", floors::key_pair),
            ours(|provider| {
                let signing = signing(&provider);
                move || signing.generate()
            }),
        ),
        group(
            "Signature by ES256",
            "Over 69 bytes, by a key that is in use. The floor is aws-lc-rs alone.",
            Contestant::new("aws-lc-rs", floors::signature()),
            ours(|provider| {
                let signing = signing(&provider);
                move || signing.sign()
            }),
        ),
    ]
}

/// From which library each primitive comes soonest. The first row is what `fastest` takes.
fn primitives() -> Vec<Group> {
    let about = "The first row is that of the provider that takes each from where it is fastest.";
    let sealing = |size| {
        ours(move |provider| {
            let sealing = Sealing::new(&provider, size);
            move || sealing.round_trip()
        })
    };
    let groups: [(&str, Vec<Contestant>); 6] = [
        (
            "Key agreement on P-256",
            ours(|provider| {
                let agreement = Agreement::new(&provider);
                move || agreement.agree()
            }),
        ),
        ("AES-256-GCM, 64 bytes sealed and opened", sealing(64)),
        ("AES-256-GCM, 1 KiB sealed and opened", sealing(1024)),
        ("AES-256-GCM, 16 KiB sealed and opened", sealing(16_384)),
        ("SHA-256 of 64 bytes", ours(|provider| move || sha256(&provider))),
        ("HKDF-SHA-256, 64 bytes out", ours(|provider| move || hkdf(&provider))),
    ];
    groups.map(|(title, contestants)| Group { title, about, contestants }).into_iter().collect()
}

fn ceremonies() -> Vec<Group> {
    let phone = |provider| Ceremonies::with_provider(provider, Config::phone(), 0);
    let mut making = ours(|provider| {
        let mut phone = phone(provider);
        move || drop(phone.make_credential())
    });
    let (mut aws_lc, mut portable) =
        (passkey_rs::Passkeys::new(AwsLcRsBackend), passkey_rs::Passkeys::new(RustCryptoBackend));
    making.push(Contestant::new("passkey-rs, AWS-LC", move || aws_lc.make()));
    making.push(Contestant::new("passkey-rs, portable", move || portable.make()));
    making.extend(soft_fido2::make().map(|work| Contestant::elsewhere("soft-fido2", work)));

    let mut getting = ours(|provider| {
        let mut phone = phone(provider);
        move || drop(phone.discoverable())
    });
    let (mut aws_lc, mut portable) =
        (passkey_rs::Passkeys::new(AwsLcRsBackend), passkey_rs::Passkeys::new(RustCryptoBackend));
    getting.push(Contestant::new("passkey-rs, AWS-LC", move || aws_lc.get()));
    getting.push(Contestant::new("passkey-rs, portable", move || portable.get()));
    getting.extend(soft_fido2::get().map(|work| Contestant::elsewhere("soft-fido2", work)));

    let anew = ours(|provider| {
        let mut assertions = anew::assertions(provider);
        move || drop(assertions())
    });
    vec![
        group(
            "authenticatorMakeCredential without attestation",
            "towline from the bytes of the request to those of the response; passkey-rs from types \
             to types; soft-fido2 as towline, but it attests itself, asked or not. The floor is a \
             new key of aws-lc-rs.",
            Contestant::new("a new key", floors::key_pair),
            making,
        ),
        group(
            "authenticatorGetAssertion, key in use",
            "For the one credential that there is. Peers load the key each time. The floor is a \
             signature of aws-lc-rs.",
            Contestant::new("a signature", floors::signature()),
            getting,
        ),
        group(
            "authenticatorGetAssertion, key loaded anew",
            "For one of forty accounts in turn, named in the request, so that no key is loaded \
             when it is wanted.",
            Contestant::new("a signature", floors::signature()),
            anew,
        ),
    ]
}

fn webauthn() -> Vec<Group> {
    let device = |provider| -> VirtualAuthenticator {
        Builder::phone().provider(provider).build().expect("a phone")
    };
    let mut creating = ours(|provider| {
        let device = device(provider);
        move || drop(create(&device))
    });
    creating.push(Contestant::new("passkey-client, AWS-LC", passkey_rs::create(AwsLcRsBackend)));
    creating
        .push(Contestant::new("passkey-client, portable", passkey_rs::create(RustCryptoBackend)));
    creating.push(Contestant::new("webauthn-authenticator-rs", softpasskey::create()));

    let mut getting = ours(|provider| {
        let device = device(provider);
        let options = peers::request(&peers::id_of(&create(&device)));
        move || drop(device.get(ORIGIN, &options).expect("an assertion"))
    });
    getting.push(Contestant::new("passkey-client, AWS-LC", passkey_rs::get(AwsLcRsBackend)));
    getting.push(Contestant::new("passkey-client, portable", passkey_rs::get(RustCryptoBackend)));
    getting.push(Contestant::new("webauthn-authenticator-rs", softpasskey::get()));

    let mut rounds = ours(|provider| {
        let device = device(provider);
        move || {
            let options = peers::request(&peers::id_of(&create(&device)));
            drop(device.get(ORIGIN, &options).expect("an assertion"));
        }
    });
    rounds.extend(peers::rounds::contestants());
    let about = "From the site's options in JSON to the response in JSON; towline by its virtual \
                 authenticator.";
    vec![
        group("WebAuthn: create", about, Contestant::new("a new key", floors::key_pair), creating),
        group("WebAuthn: get", about, Contestant::new("a signature", floors::signature()), getting),
        group(
            "WebAuthn: register and sign in",
            "Both, one after the other, as a test of a site does. SoftPasskey, SoftToken and \
             soft-webauthn ask nobody and look at little of the options; soft-webauthn is Python.",
            Contestant::new("a new key and a signature", floors::key_pair_and_signature),
            rounds,
        ),
    ]
}

fn create(device: &VirtualAuthenticator) -> String {
    device.create(ORIGIN, CREATION).expect("a registration")
}

fn hybrid() -> Vec<Group> {
    let mut shaking = ours(|provider| {
        let handshake = Handshake::with_provider(provider);
        move || drop(handshake.kn())
    });
    shaking.push(Contestant::new("snow with its own cryptography", handshake::snow()));
    let adverts = |provider: &CryptoProvider| Adverts::with_provider(provider, 1);
    vec![
        group(
            "Handshake KNpsk0, both sides",
            "The floor is two key pairs and four key agreements of aws-lc-rs.",
            Contestant::new("its primitives", floors::handshake()),
            shaking,
        ),
        group(
            "Advert refused",
            "One code on show. The floor is two compressions of SHA-256, of which the second waits \
             for the first.",
            Contestant::new("two compressions", floors::advert(false)),
            ours(|provider| {
                let adverts = adverts(&provider);
                move || assert!(adverts.reject())
            }),
        ),
        group(
            "Advert accepted",
            "The floor is two compressions of SHA-256, of which the second waits for the first, \
             and a block of AES-256.",
            Contestant::new("two compressions, one block", floors::advert(true)),
            ours(|provider| {
                let adverts = adverts(&provider);
                move || assert!(adverts.accept().is_some())
            }),
        ),
    ]
}

fn codec() -> Vec<Group> {
    let message = Rc::new(Message::new());
    let with = |work: fn(&Message)| {
        let message = message.clone();
        move || work(&message)
    };
    let auth_data = Rc::new(vec![7_u8; 164]);
    let of = |work: fn(&[u8]) -> Vec<u8>| {
        let auth_data = auth_data.clone();
        move || work(&auth_data)
    };
    let answered = Answered::new();
    vec![
        group(
            "CBOR: the request of a registration read",
            "The floor is towline's reader with nothing kept. towline checks that the request is \
             canonical; the others do not.",
            Contestant::new(
                "checked, nothing kept",
                with(|message| {
                    std::hint::black_box(cbor::borrowed(message.map()).expect("canonical"));
                }),
            ),
            [
                Contestant::new("towline, into its types", with(|message| drop(message.decode()))),
                Contestant::new(
                    "minicbor by hand, into owned values",
                    with(|message| drop(cbor::minicbor(message.map()).expect("a request"))),
                ),
                Contestant::new(
                    "ciborium, into a tree",
                    with(|message| drop(cbor::ciborium_tree(message.map()))),
                ),
            ],
        ),
        group(
            "CBOR: the response of a registration written",
            "Authenticator data of 164 bytes, no attestation. The floor copies them behind a head \
             that is known beforehand.",
            Contestant::new("copied", of(cbor::copied_response)),
            [
                Contestant::new("towline", move || answered.encode()),
                Contestant::new("minicbor by hand", of(cbor::minicbor_response)),
                Contestant::new("ciborium", of(cbor::ciborium_response)),
            ],
        ),
    ]
}

/// getAssertion against the number of credentials.
fn credentials(rounds: usize) -> String {
    let lines = providers().map(|(name, provider)| {
        let points = [1, 10, 100, 1000, 10_000, 100_000].map(|count| {
            let provider = provider.clone();
            let mut phone = Ceremonies::with_provider(provider, Config::phone(), count - 1);
            (f64::from(count), alone(rounds, move || phone.discoverable()))
        });
        (format!("towline, {name}"), points.to_vec())
    });
    report::plot("getAssertion, not listed", "credentials in the store", &lines)
}

/// A foreign advert against the number of codes on show.
fn codes(rounds: usize) -> String {
    let lines = providers().map(|(name, provider)| {
        let points = [1_u8, 2, 4, 8, 16, 32, 64].map(|count| {
            let adverts = Adverts::with_provider(&provider, count.into());
            (f64::from(count), alone(rounds, move || adverts.reject()))
        });
        (format!("towline, {name}"), points.to_vec())
    });
    report::plot("A foreign advert refused", "codes on show", &lines)
}

/// A pair at the relay, without its sockets, against the number of pairs.
fn pairs(rounds: usize) -> String {
    let points = [1, 10, 100, 1000, 10_000, 100_000]
        .map(|count| (f64::from(count), alone(rounds, pairs::beside(count - 1))));
    let lines = [("towline".to_owned(), points.to_vec())];
    report::plot("Phone and computer meet and part", "pairs at the relay", &lines)
}

/// The median time of one, with nobody beside it.
fn alone<T>(rounds: usize, work: impl FnMut() -> T + 'static) -> f64 {
    let contestants = vec![Contestant::new("", work)];
    let rows = race(&mut Group { title: "", about: "", contestants }, rounds.min(21));
    rows.first().map_or(f64::NAN, |row| row.time[1])
}
