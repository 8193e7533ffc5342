//! A phone of your own in small: your store, your prompts, your relay; nothing but the crate
//! `towline` for that.
//!
//! ```sh
//! cargo run --release --example phone              # its own relay, air and computer, and a script that answers
//! cargo run --release --example phone 'FIDO:/...'  # the code that `towline computer` shows; TOWLINE_RELAY, TOWLINE_AIR
//! ```
//!
//! With the four terminals of docs/cli.md it stands in for `towline phone`. Its passkeys are in
//! `phone.vault`.

#[path = "../embedding/vault.rs"]
mod vault;

use std::{env, error::Error, io, net::SocketAddr, path::Path, process, sync::Arc};

use towline::{
    Ask, Computer, ComputerStep, Person, Phone, PhoneAnswer, PhoneAsk, PhoneQuestion,
    PhoneTransport,
    authenticator::{Answer, Authenticator, Config, Question, SoftwareKeys},
    fastest,
    hybrid::{CodeSource, domain::TunnelDomain},
    radio::air::{UdpAir, UdpHub},
    transport::TunnelConnector,
    tunnel::{Relay, RelayConfig, Security},
};

use crate::vault::Vault;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What unlocks the phone. A real one asks its own screen lock, and does not know the PIN.
const PIN: &str = "271828";

/// Your prompts: at the terminal, or a script that agrees.
#[derive(Clone, Copy)]
enum Prompts {
    Terminal,
    Script,
}

impl Prompts {
    fn typed(self, question: String, script: &'static str) -> String {
        println!("phone: {question}");
        let Self::Terminal = self else { return script.to_owned() };
        io::stdin().lines().next().and_then(Result::ok).unwrap_or_default()
    }

    fn answer(self, question: &Question) -> Answer {
        match question {
            Question::VerifyUser { .. } => {
                match self.typed(format!("{question} [the PIN, {PIN}]"), PIN).trim() {
                    "" => Answer::Deny,
                    PIN => Answer::Verified,
                    _ => Answer::NotVerified,
                }
            }
            Question::ConfirmPresence { .. } => {
                match self.typed(format!("{question} [yes/no]"), "yes").trim() {
                    "yes" => Answer::Approve,
                    _ => Answer::Deny,
                }
            }
            // Which account, and what a later version asks: see examples/embedding/dialogs.rs.
            _ => Answer::Deny,
        }
    }
}

/// Reading blocks, so each question gets a thread of its own: it can be withdrawn meanwhile.
impl Person for Prompts {
    fn ask(&mut self, ask: Ask) {
        let prompts = *self;
        ask.answer_on_thread(move |question| prompts.answer(&question));
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        let prompts = *self;
        ask.answer_on_thread(move |question| match question {
            PhoneQuestion::Connect(_) => {
                match prompts.typed(format!("{question} [yes/no]"), "yes").trim() {
                    "yes" => PhoneAnswer::Approve,
                    _ => PhoneAnswer::Deny,
                }
            }
            _ => PhoneAnswer::Deny,
        });
    }
}

/// The phone, for a relay and a simulated radio at these addresses.
async fn phone(
    store: &Path,
    relay: SocketAddr,
    air: SocketAddr,
    prompts: Prompts,
) -> Outcome<Phone<Prompts>> {
    let provider = fastest::provider();
    let store = Vault::open(store)?;
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator = Authenticator::new(Config::phone(), provider.clone(), store, keys)?;
    let transport = PhoneTransport {
        // On a real device: `towline::radio`'s Bluetooth, or an `Advertiser` of yours.
        advertiser: Arc::new(UdpAir::connect(air).await?),
        // For a relay on the internet: `TunnelConnector::with_roots`, with TLS.
        connector: Arc::new(TunnelConnector::plain_loopback(relay)?),
        // The number by which computers find the relay; any from 256 on will do where they are told
        // its address.
        domain: TunnelDomain::new(257)?,
    };
    Ok(Phone::new(authenticator, provider, transport, prompts))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let Some(code) = env::args().nth(1) else { return alone().await };
    let address = |name: &str, scheme: &str, usual: &str| {
        let given = env::var(name).unwrap_or_else(|_| usual.to_owned());
        given.trim_start_matches(scheme).parse::<SocketAddr>()
    };
    let relay = address("TOWLINE_RELAY", "ws://", "127.0.0.1:4433")?;
    let air = address("TOWLINE_AIR", "udp:", "127.0.0.1:4434")?;
    let mut phone = phone(Path::new("phone.vault"), relay, air, Prompts::Terminal).await?;
    let served = phone.answer_code(&code, CodeSource::Typed).await?;
    println!("phone: done; requests: {}", served.requests);
    Ok(())
}

/// Everything in this process: a relay, the air, and a computer whose code the phone answers.
async fn alone() -> Outcome<()> {
    let provider = fastest::provider();
    let config = RelayConfig::new("127.0.0.1:0".parse()?, Security::Plain, provider.clone());
    let relay = Relay::bind(config).await?;
    let hub = UdpHub::bind("127.0.0.1:0".parse()?).await?;
    let (relay_at, air_at) = (relay.local_addr(), hub.local_addr());
    tokio::spawn(relay.run());
    tokio::spawn(hub.run());
    let connector = Arc::new(TunnelConnector::plain_loopback(relay_at)?);
    let computer = Computer::new(provider, Arc::new(UdpAir::connect(air_at).await?), connector);
    let (shown, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let screen = |step: ComputerStep<'_>| match step {
        ComputerStep::ShowCode(code) => drop(shown.send(code.to_owned())),
        step => println!("computer: {step}"),
    };
    let store = env::temp_dir().join(format!("towline-phone-{}.vault", process::id()));
    let mut phone = phone(&store, relay_at, air_at, Prompts::Script).await?;
    let (made, served) =
        tokio::join!(computer.create(&screen, "https://example.org", OPTIONS), async {
            let code = seen.recv().await.ok_or("no code")?;
            Ok::<_, Box<dyn Error + Send + Sync>>(
                phone.answer_code(&code, CodeSource::Camera).await?,
            )
        });
    let _absent = std::fs::remove_file(&store);
    println!("for the site: {} characters; requests: {}", made?.len(), served?.requests);
    Ok(())
}

/// What a site hands to `navigator.credentials.create()`.
const OPTIONS: &str = r#"{
    "challenge": "AAECAwQFBgcICQoLDA0ODw",
    "rp": {"id": "example.org", "name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}
}"#;
