//! A passkey made and used across two devices: a site, a relay, a phone and a computer on this
//! machine.
//!
//! Everything is real (HTTP, TLS, websockets, QR code, cryptography) but the Bluetooth radio, which
//! is simulated by datagrams on loopback. The site judges with `webauthn-rs-core`, which towline's
//! authors did not write. The exit status is 0 only if every step succeeded.
//!
//! ```sh
//! cargo run --release --example journey
//! ```

mod verifier;

use std::{error::Error, process::ExitCode, sync::Arc, time::Instant};

use image::{DynamicImage, ImageFormat, Luma};
use tokio::sync::mpsc;
use towline::{
    Agreeable, Ask, Computer, ComputerError, ComputerStep, LocalAuthenticator, Person, Phone,
    PhoneAsk, PhoneStep, PhoneTransport,
    authenticator::{Authenticator, Config, Event, MemoryStore, Question, SoftwareKeys},
    client::Error as ClientError,
    crypto::CryptoProvider,
    hybrid::{CodeSource, ResponderProgress, domain::TunnelDomain},
    radio::air::{UdpAir, UdpHub},
    transport::TunnelConnector,
    tunnel::{Relay, RelayConfig, Security, Tls},
};
use towline_rp::{Begun, RpClient, RpConfig, RpServer};

use crate::verifier::IndependentVerifier;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const LOOPBACK: &str = "127.0.0.1:0";

#[tokio::main]
async fn main() -> ExitCode {
    let story = Story { start: Instant::now() };
    match journey(story).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn journey(story: Story) -> Outcome<()> {
    let provider = towline::fastest::provider();
    let stage = Stage::set(story, &provider).await?;
    this_device(story, &stage.site, &provider).await?;
    across_two_devices(story, &stage, &provider).await?;
    let seconds = story.start.elapsed().as_secs_f64();
    println!(
        "\nsigned in: on the same device, and with the phone through a QR code, in {seconds:.2} s"
    );
    Ok(())
}

/// Prints who did what, and when.
#[derive(Clone, Copy)]
struct Story {
    start: Instant,
}

impl Story {
    fn chapter(self, title: &str) {
        println!("\n{title}");
    }

    fn tell(self, who: &str, what: impl std::fmt::Display) {
        let time = self.start.elapsed().as_secs_f64() * 1000.0;
        println!("{time:9.1} ms  {who:<9} {what}");
    }
}

/// What is there before anybody comes: the site, the relay and the air.
struct Stage {
    site: RpClient,
    domain: TunnelDomain,
    connector: Arc<TunnelConnector>,
    phone_radio: UdpAir,
    computer_radio: UdpAir,
}

impl Stage {
    async fn set(story: Story, provider: &CryptoProvider) -> Outcome<Self> {
        story.chapter("The stage");
        let rp = RpServer::bind(RpConfig::default(), IndependentVerifier::new).await?;
        let site = RpClient::new(&rp.url())?;
        story.tell("site", format_args!("listens at {}, judged by webauthn-rs-core", rp.url()));
        tokio::spawn(rp.run());

        // A tunnel domain that is derived from its number, and a certificate for its host.
        let domain = TunnelDomain::new(257)?;
        let host = domain.host(provider);
        let certificate = rcgen::generate_simple_self_signed([host.clone()])?;
        let chain = certificate.cert.pem();
        let tls =
            Tls::from_pem(chain.as_bytes(), certificate.signing_key.serialize_pem().as_bytes())?;
        let config = RelayConfig::new(LOOPBACK.parse()?, Security::Tls(tls), provider.clone());
        let relay = Relay::bind(config).await?;
        let address = relay.local_addr();
        story.tell("relay", format_args!("serves wss://{host} at {address}"));
        tokio::spawn(relay.run());

        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.cert.der().clone())?;
        let connector = TunnelConnector::with_roots(roots, provider.clone())?.relay_at(address);

        let hub = UdpHub::bind(LOOPBACK.parse()?).await?;
        let air = hub.local_addr();
        story.tell("air", hub.description());
        tokio::spawn(hub.run());
        Ok(Self {
            site,
            domain,
            connector: Arc::new(connector),
            phone_radio: UdpAir::connect(air).await?,
            computer_radio: UdpAir::connect(air).await?,
        })
    }
}

/// The same device: the passkey is made and used by the screen lock of the device that shows the
/// site.
async fn this_device(story: Story, site: &RpClient, provider: &CryptoProvider) -> Outcome<()> {
    story.chapter("On the same device");
    let owner = Owner { story, name: "device", slips: 1 };
    let mut device = LocalAuthenticator::in_memory(Config::platform(), provider.clone(), owner)?;
    let origin = site.origin();

    let begun = site.begin_registration("alice", "my laptop").await?;
    let options = options(&begun);
    let credential = device.create(&origin, &options).await?;
    register(story, site, &begun, &credential).await?;

    let again = site.begin_registration("alice", "my laptop again").await?;
    match device.create(&origin, &self::options(&again)).await {
        Err(ClientError::AlreadyRegistered) => story.tell("device", ClientError::AlreadyRegistered),
        other => return Err(format!("a second registration was not refused: {other:?}").into()),
    }
    for account in [Some("alice"), None] {
        let begun = site.begin_sign_in(account).await?;
        let credential = device.get(&origin, &self::options(&begun)).await?;
        sign_in(story, site, &begun, &credential, account).await?;
    }
    Ok(())
}

/// Two devices: the computer shows a code, the phone scans it.
async fn across_two_devices(story: Story, stage: &Stage, provider: &CryptoProvider) -> Outcome<()> {
    story.chapter("With the phone");
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(Config::phone(), provider.clone(), MemoryStore::new(), keys)?;
    let transport = PhoneTransport {
        advertiser: Arc::new(stage.phone_radio.clone()),
        connector: stage.connector.clone(),
        domain: stage.domain,
    };
    let owner = Owner { story, name: "phone", slips: 0 };
    let mut phone = Phone::new(authenticator, provider.clone(), transport, owner)
        .with_watcher(move |step| watch(story, step));
    let (camera, mut pictures) = mpsc::unbounded_channel::<Vec<u8>>();
    let phone = tokio::spawn(async move {
        while let Some(picture) = pictures.recv().await {
            let code = scan(&picture)?;
            story.tell("phone", "scanned the code in the picture");
            phone.answer_code(&code, CodeSource::Camera).await?;
        }
        Outcome::Ok(())
    });

    let computer = Computer::new(
        provider.clone(),
        Arc::new(stage.computer_radio.clone()),
        stage.connector.clone(),
    );
    let screen = |step: ComputerStep<'_>| match step {
        ComputerStep::ShowCode(code) => match picture(code) {
            Ok((png, side)) => {
                story.tell(
                    "computer",
                    format_args!("shows a QR code: a picture of {side} by {side} pixels"),
                );
                // A phone that is gone says so when it is waited for.
                let _ = camera.send(png);
            }
            Err(error) => story.tell("computer", format_args!("can't draw the code: {error}")),
        },
        step => story.tell("computer", step),
    };
    let (site, origin) = (&stage.site, stage.site.origin());

    let begun = site.begin_registration("bob", "my phone").await?;
    let credential = computer.create(&screen, &origin, &options(&begun)).await?;
    register(story, site, &begun, &credential).await?;

    let again = site.begin_registration("bob", "my phone again").await?;
    let refused = ComputerError::Client(ClientError::AlreadyRegistered);
    match computer.create(&screen, &origin, &options(&again)).await {
        Err(error) if error == refused => story.tell("computer", error),
        other => return Err(format!("a second registration was not refused: {other:?}").into()),
    }
    for account in [Some("bob"), None] {
        let begun = site.begin_sign_in(account).await?;
        let credential = computer.get(&screen, &origin, &options(&begun)).await?;
        sign_in(story, site, &begun, &credential, account).await?;
    }
    drop(camera);
    phone.await?
}

fn options(begun: &Begun) -> String {
    begun.public_key.to_string()
}

async fn register(story: Story, site: &RpClient, begun: &Begun, credential: &str) -> Outcome<()> {
    let credential = serde_json::from_str(credential)?;
    let registered = site.finish_registration(&begun.ceremony, credential).await?;
    let (account, key) = (registered.account, registered.key);
    story.tell(
        "site",
        format_args!(
            "{account} has a new key, \"{}\" (attestation: {})",
            key.name, key.attestation
        ),
    );
    Ok(())
}

async fn sign_in(
    story: Story,
    site: &RpClient,
    begun: &Begun,
    credential: &str,
    asked_for: Option<&str>,
) -> Outcome<()> {
    let credential = serde_json::from_str(credential)?;
    let signed_in = site.finish_sign_in(&begun.ceremony, credential).await?;
    if !signed_in.user_verified {
        return Err("the screen lock was not asked for".into());
    }
    let how = if asked_for.is_some() { "by name" } else { "without a name" };
    story.tell(
        "site",
        format_args!("{} signed in {how}, with \"{}\"", signed_in.account, signed_in.key.name),
    );
    Ok(())
}

/// The code as a PNG, and its side in pixels.
fn picture(code: &str) -> Outcome<(Vec<u8>, u32)> {
    let image = qrcode::QrCode::new(code)?.render::<Luma<u8>>().build();
    let (side, mut png) = (image.width(), std::io::Cursor::new(Vec::new()));
    DynamicImage::ImageLuma8(image).write_to(&mut png, ImageFormat::Png)?;
    Ok((png.into_inner(), side))
}

/// The text of the code in a picture.
fn scan(png: &[u8]) -> Outcome<String> {
    let image = image::load_from_memory(png)?.into_luma8();
    let mut image = rqrr::PreparedImage::prepare(image);
    let grids = image.detect_grids();
    let (_, text) = grids.first().ok_or("there is no code in the picture")?.decode()?;
    Ok(text)
}

/// Agrees to everything, says so, and sometimes gets the screen lock wrong at first.
struct Owner {
    story: Story,
    name: &'static str,
    slips: u32,
}

impl Person for Owner {
    fn ask(&mut self, ask: Ask) {
        let question = ask.question();
        if matches!(question, Question::VerifyUser { .. }) && self.slips > 0 {
            self.slips = self.slips.saturating_sub(1);
            self.story.tell(self.name, format_args!("asks \"{question}\" - a wrong finger"));
            return ask.not_verified();
        }
        self.story.tell(self.name, format_args!("asks \"{question}\" - yes"));
        Agreeable.ask(ask);
    }

    fn phone_asks(&mut self, ask: PhoneAsk) {
        self.story.tell(self.name, format_args!("asks \"{}\" - yes", ask.question()));
        ask.approve();
    }

    fn notice(&mut self, event: &Event) {
        if let Event::Created { .. } = event {
            self.story.tell(self.name, "saved the passkey");
        }
    }
}

/// What else the phone's owner sees.
fn watch(story: Story, step: PhoneStep<'_>) {
    match step {
        PhoneStep::Advertising(radio) => {
            story.tell("phone", format_args!("advertises that it is near, by {radio}"));
        }
        PhoneStep::Progress(ResponderProgress::Connecting) => {
            story.tell("phone", "connects to the tunnel service");
        }
        _ => {}
    }
}
