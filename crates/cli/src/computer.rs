//! `towline computer`: takes what a site asks for to a phone, to this device, to a security key or
//! to the platform, and its answer back.

mod key;
mod phone;
mod platform;
mod screen;
mod shelf;
mod this_device;

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use serde_json::Value;
use towline::{
    Computer,
    client::{Caller, Channel, Client, Error, Origin, create, get},
};
use towline_rp::{Begun, RpClient};

use self::screen::Terminal;
use crate::{
    args::{self, AnswerMode, KeysIn, With},
    event::Event,
    exit::{Exit, Failure},
    links::Choice,
    options::{self, Verb},
    report::Report,
    stop::Stop,
};

pub(crate) async fn register(args: args::Register, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let way = Way::open(&args.session.reach, report).await?;
    let begun = rp.begin_registration(&args.account, &args.name).await?;
    let credential = for_rp(Verb::Create, way, &rp, &begun).await?;
    let registered = rp.finish_registration(&begun.ceremony, credential).await?;
    report.event(&Event::Registered { account: registered.account, key: registered.key });
    Ok(Exit::Ok)
}

pub(crate) async fn sign_in(args: args::SignIn, report: &Arc<Report>) -> Result<Exit, Failure> {
    let rp = RpClient::new(&args.session.rp)?;
    let way = Way::open(&args.session.reach, report).await?;
    let begun = rp.begin_sign_in(args.account.as_deref()).await?;
    let credential = for_rp(Verb::Get, way, &rp, &begun).await?;
    let signed_in = rp.finish_sign_in(&begun.ceremony, credential).await?;
    report.event(&Event::SignedIn {
        account: signed_in.account,
        key: signed_in.key,
        user_verified: signed_in.user_verified,
    });
    Ok(Exit::Ok)
}

/// Takes what any site asks for to an authenticator, and gives the response that its page would
/// send.
pub(crate) async fn any_site(
    verb: Verb,
    args: &args::Ceremony,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    report.leaves_stdout_free();
    args.reach.check()?;
    if args.reach.asks_here() && !io::stdin().is_terminal() {
        let message = "the options come by standard input, so that nobody can answer there; --answer yes says yes to \
            everything, which is SIMULATED";
        return Err(Failure::environment("no_terminal", message));
    }
    let mut stop = Stop::new()?;
    let options = options::read(report, &mut stop).await?;
    options::check(verb, &args.origin, &options)?;
    let way = Way::open(&args.reach, report).await?;
    let response = way.ceremony(verb, &args.origin, &options, &mut stop).await?;
    options::respond(&response, report)
}

/// The same for the small relying party.
async fn for_rp(verb: Verb, way: Way, rp: &RpClient, begun: &Begun) -> Result<Value, Failure> {
    let mut stop = Stop::new()?;
    let options = begun.public_key.to_string();
    // Where the person went, not what the site says about itself.
    let response = way.ceremony(verb, &rp.origin(), &options, &mut stop).await;
    let response = response.map_err(|failure| Failure { exception: None, ..failure })?;
    serde_json::from_str(&response).map_err(|error| {
        Failure::new(Exit::Failed, "failed", format!("the response is not JSON: {error}"))
    })
}

/// A way to an authenticator, and the person's screen. That it is there means that it can be had.
struct Way {
    to: To,
    screen: Terminal,
}

enum To {
    /// Any phone: which one is known when the ceremony connects.
    Phone(Box<Computer>),
    Authenticator(Box<dyn Channel>),
}

impl Way {
    /// Opens what `--with` says.
    async fn open(args: &args::Reach, report: &Arc<Report>) -> Result<Self, Failure> {
        args.check()?;
        let mut choice = Choice::None;
        let to = match args.with {
            With::Phone => {
                let (computer, phone) = phone::open(args, report).await?;
                choice = phone;
                To::Phone(Box::new(computer))
            }
            With::ThisDevice => {
                let in_software = args::Custody::new(KeysIn::Software);
                To::Authenticator(Box::new(this_device::open(args, &in_software, report)?))
            }
            With::Key => To::Authenticator(Box::new(key::open(args, report).await?)),
            With::Platform => To::Authenticator(Box::new(platform::open(args, report)?)),
        };
        Ok(Self { to, screen: Terminal::new(args, choice, report)? })
    }

    /// Everything between the site's options and the response for it.
    async fn ceremony(
        self,
        verb: Verb,
        origin: &str,
        options: &str,
        stop: &mut Stop,
    ) -> Result<String, Failure> {
        let Self { to, screen } = self;
        match to {
            To::Phone(computer) => {
                phone::ceremony(&computer, &screen, verb, (origin, options), stop).await
            }
            To::Authenticator(mut channel) => {
                let work = async {
                    let client = Client::new(towline::fastest::provider());
                    let caller = Caller::from(Origin::parse(origin)?);
                    match verb {
                        Verb::Create => {
                            create(&client, &mut *channel, &screen, &caller, options).await
                        }
                        Verb::Get => get(&client, &mut *channel, &screen, &caller, options).await,
                    }
                };
                let outcome: Result<String, Error> = screen.attend(work, stop).await?;
                outcome.map_err(|error| options::failure(&error))
            }
        }
    }
}

impl args::Reach {
    /// Whether a person answers on standard input.
    fn asks_here(&self) -> bool {
        matches!(self.with, With::ThisDevice | With::Platform) && self.answer == AnswerMode::Ask
    }

    /// Refuses flags of another way before anything is asked of a site.
    fn check(&self) -> Result<(), Failure> {
        let here: &[With] = &[With::ThisDevice, With::Platform];
        let flags: [(&str, bool, &[With]); 9] = [
            ("--qr-image", self.qr_image.is_some(), &[With::Phone]),
            ("--links", self.links.is_some(), &[With::Phone]),
            ("--key-at", self.key_at.is_some(), &[With::Key]),
            ("--screen-lock", self.screen_lock.is_some(), here),
            ("--answer", self.answer != AnswerMode::Ask, here),
            ("--tpm", self.tpm.is_some(), &[With::Platform]),
            ("--tpm-counter", self.tpm_counter, &[With::Platform]),
            ("--older-store", self.older_store, &[With::Platform]),
            ("--new-tpm", self.new_tpm, &[With::Platform]),
        ];
        for (flag, given, ways) in flags {
            if given && !ways.contains(&self.with) {
                let ways: Vec<_> = ways.iter().map(|way| way.word()).collect();
                let ways = ways.join(" or ");
                return Err(Failure::usage("flags", format!("{flag} goes with --with {ways}")));
            }
        }
        Ok(())
    }
}
