//! The command line.

mod computer;
mod custody;
mod key;
mod keys;
mod links;
mod moving;
mod phone;
mod relay;
mod sync;
mod tpm;
mod values;
mod virtual_device;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use url::Url;

use self::values::{host_and_port, relay_url, udp_addr};

pub(crate) use self::{
    computer::{Ceremony, Computer, Reach, Register, SignIn, With},
    custody::{Custody, KeysIn},
    key::{Key, KeyAttestation, KeyKind, LargeBlobForm, PinPolicy, PresenceMode},
    keys::{Keys, KeysCommand, Opened, Store},
    links::{Links, LinksCommand},
    moving::{Export, Import, Owner, Sealed},
    phone::{AnswerMode, Phone, ScreenLock},
    relay::{Domain, Relay, Variable},
    sync::{Meet, Place, Sync, SyncCommand},
    tpm::{Enroll, Tpm, TpmCa, TpmTask},
    values::aaguid,
    virtual_device::{
        Virtual, VirtualCeremony, VirtualDevice, VirtualKind, VirtualPipe, VirtualServe,
        VirtualService, usable,
    },
};

/// FIDO2 across two devices: be the phone, be the computer, carry the tunnel between them, or be
/// the site.
///
/// A computer shows a QR code, a phone scans it, and a passkey on the phone signs in on the
/// computer. Each role here is a process of its own, and speaks the protocols of real phones and
/// browsers.
#[derive(Debug, Parser)]
#[command(name = "towline", version, propagate_version = true, after_long_help = LONG)]
pub(crate) struct Cli {
    /// Print one JSON object per line instead of text; docs/cli.md lists the events
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG: &str = "\
Examples, each in a terminal of its own:
  towline relay --listen 127.0.0.1:4433 --air udp:127.0.0.1:4434
  towline rp --listen 127.0.0.1:8080
  towline computer register --rp http://localhost:8080 --account alice --name \"Alice's phone\" \\
      --relay ws://127.0.0.1:4433 --air udp:127.0.0.1:4434 --qr-image code.png
  towline phone code.png --relay ws://127.0.0.1:4433 --air udp:127.0.0.1:4434

Exit codes are listed by `towline exit-codes`. Set RUST_LOG=towline=debug to see what happens inside.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry the tunnels between phones and computers
    ///
    /// Opens tunnels at /cable/new and /cable/connect, and forwards what it can't read between the
    /// two ends.
    ///
    /// Without a certificate it speaks ws:// and listens on this machine only. Ctrl-C or SIGTERM
    /// lets tunnels finish; a second one doesn't.
    Relay(Relay),
    /// Say which name a tunnel domain's number stands for, and back
    ///
    /// A phone names its relay by a number, which stands for a host name. Whoever runs a relay for
    /// others needs that name.
    Domain(Domain),
    /// Be the phone: answer QR codes, keep passkeys while it runs
    ///
    /// Answers QR codes as a phone does, one after the other.
    ///
    /// Give a code as text or as a picture of it (PNG or JPEG), here or later as lines on standard
    /// input. Without --store passkeys are kept until the program ends. When standard input ends it
    /// finishes what is under way and exits with the outcome of the last code.
    Phone(Phone),
    /// Be a security key: on this machine's USB, or over a socket
    ///
    /// A security key (CTAP 2.3: passkeys, PIN, management). With --uhid it is one on USB as far as
    /// this machine can tell, for browsers and OpenSSH, and keeps its passkeys in the usual place.
    /// Otherwise it is behind sockets, for tools and tests.
    ///
    /// Without --uhid and --store its passkeys are in memory only: THEY ARE GONE WHEN THE PROGRAM
    /// ENDS. Raw CTAPHID reports of 64 bytes travel over sockets of this machine: one in each UDP
    /// datagram, or each after its length (00 40) over TCP and Unix sockets. All endpoints lead to
    /// the same key, and any number of programs can use it at once. Questions are answered with
    /// yes, no or a number on standard input, once they are shown; the end of the input is a no.
    /// Stop it with Ctrl-C.
    Key(Key),
    /// Be the relying party: a small site on this machine to register and sign in with
    ///
    /// A small site with accounts, named keys and a log of sign-ins, for demos.
    ///
    /// It listens on this machine only, keeps everything in memory, and shows a page at its
    /// address.
    Rp(Rp),
    /// Show both ends of a passkey at once: a site, two phones, and what travels between them
    ///
    /// Starts a site and two more that sign in through it, a relay, a simulated Bluetooth and two
    /// phones, and opens a page that shows them all. A tour leads through a passkey's life; each
    /// step can be repeated by hand, and made to go wrong.
    ///
    /// Everything listens on this machine only, and is gone at the end. Stop it with Ctrl-C.
    Demo(Demo),
    /// Be the computer: register a passkey or sign in, with a phone, this device or a security key
    #[command(subcommand)]
    Computer(Computer),
    /// Be an authenticator for tests: options in, the response for the site out
    ///
    /// Tests a sign-in with passkeys in any language: a real authenticator and a real WebAuthn
    /// client, a person who follows a script, and a clock that nobody waits for. What is made says
    /// by its AAGUID that it is a test's.
    #[command(subcommand)]
    Virtual(Virtual),
    /// List and forget the devices that this computer or phone is linked with
    ///
    /// Reads and changes a file of links, of `computer` or of `phone`.
    Links(Links),
    /// Look after the passkeys in a store: list, rename, remove, check, back up, move
    ///
    /// Reads and changes a store of `key` or `phone`, while neither uses it.
    Keys(Keys),
    /// Have the same passkeys on all of your devices, by a folder that any tool carries, or a store
    ///
    /// Your devices and one key on paper are a circle. What lies in the folder is sealed, so that
    /// Syncthing, Nextcloud, Dropbox or a USB stick may carry it; or it is in a store of another
    /// machine, such as S3 or WebDAV. `phone --sync` and `key --sync` take part while they run, and
    /// `sync watch` does without them.
    #[command(subcommand_required = true)]
    Sync(Sync),
    /// Have an authority certify that passkeys are in this machine's TPM
    Tpm(Tpm),
    /// Explain a QR code field by field
    ///
    /// Explains what a passkey QR code says, key by key. The secret inside is not printed.
    Qr(Qr),
    /// Say what works here: Bluetooth, the relay, the clock, the roots
    ///
    /// Checks what a transaction between two devices needs, and says for each thing whether it was
    /// found good, found wanting, or not checked.
    Doctor(Doctor),
    /// Carry a simulated Bluetooth between processes on this machine
    ///
    /// Carries adverts between the processes that name it with --air. It is SIMULATED: it proves
    /// nothing about nearness.
    Air(Air),
    /// Print a completion script for a shell
    Completions(Completions),
    /// List the exit codes
    ExitCodes,
}

/// How the tunnel service is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct Network {
    /// The relay to use whatever the tunnel domain says: wss://HOST or wss://HOST:PORT, or ws:// on
    /// this machine
    #[arg(long, value_name = "URL", value_parser = relay_url, env = "TOWLINE_RELAY")]
    pub(crate) relay: Option<Url>,

    /// The name that the relay's certificate has to be for, if it is not the host of --relay
    #[arg(long, value_name = "NAME", requires = "relay", env = "TOWLINE_TLS_NAME")]
    pub(crate) tls_name: Option<String>,

    /// Trust these certificates (PEM) for the relay, instead of the system's
    #[arg(long, value_name = "FILE", env = "TOWLINE_CA")]
    pub(crate) ca: Option<PathBuf>,
}

/// Which radio is used.
#[derive(Debug, Clone, Args)]
pub(crate) struct Radio {
    /// Use the SIMULATED Bluetooth carried at this address, such as udp:127.0.0.1:4434
    #[arg(long, value_name = "udp:ADDR", value_parser = udp_addr, env = "TOWLINE_AIR")]
    pub(crate) air: Option<SocketAddr>,

    /// Of several Bluetooth adapters, use this one, such as hci0; without it the first
    #[arg(long, value_name = "NAME", env = "TOWLINE_ADAPTER", conflicts_with = "air")]
    pub(crate) adapter: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline rp --listen 127.0.0.1:8080                then open http://localhost:8080
  towline rp --listen 127.0.0.1:8080 --sites        two more sites, which sign in through it
  towline rp --listen 127.0.0.1:8080 --data rp.db   accounts that are there again next time")]
pub(crate) struct Rp {
    /// Where to listen, on this machine; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = host_and_port)]
    pub(crate) listen: String,

    /// The site's name, as phones show it
    #[arg(long, value_name = "TEXT", default_value = "towline demo")]
    pub(crate) name: String,

    /// Keep accounts, keys and the log in this file, instead of in memory
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Also start two sites that sign in through this one by OpenID Connect, on the next two ports
    #[arg(long)]
    pub(crate) sites: bool,

    /// Trust the makers of devices whose certificates lead to these roots: a file in PEM, or a
    /// folder of such files. Then statements that are wrong, or lead elsewhere, are refused;
    /// without this none is judged, and pages say so
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,

    /// With --data: let programs such as `towline computer` add, rename and remove keys of any
    /// account, without signing in. Without --data they always may
    #[arg(long, requires = "data")]
    pub(crate) programs: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline demo                                      opens a page in the browser
  towline demo --no-open --port 8080                prints its address")]
pub(crate) struct Demo {
    /// The port of the page, on this machine; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,

    /// Print the address of the page, and open no browser
    #[arg(long)]
    pub(crate) no_open: bool,

    /// How fast messages move on the page: 2 is twice as fast, 0 shows them at once
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f32,
}

/// From standing still, which is shown at once, to too fast to be seen.
fn speed(text: &str) -> Result<f32, String> {
    let speed: f32 = text.parse().map_err(|_| "it is a number, such as 2".to_owned())?;
    if (0.0..=100.0).contains(&speed) { Ok(speed) } else { Err("it is from 0 to 100".into()) }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline qr FIDO:/0678...
  towline qr screenshot.png                         every code in the picture")]
pub(crate) struct Qr {
    /// The text of a code, or a picture (PNG or JPEG)
    #[arg(value_name = "CODE|IMAGE")]
    pub(crate) code: String,

    /// Draw the code in the terminal too
    #[arg(long)]
    pub(crate) draw: bool,

    /// Write the code to this PNG file
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_image: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline doctor
  towline doctor --store my.passkeys                whether the TPM is the one that it knows
  towline doctor --relay wss://relay.example --ca roots.pem")]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) network: Network,

    #[command(flatten)]
    pub(crate) radio: Radio,

    /// Where to look for a TPM 2.0: a device, or tcp:ADDR or unix:PATH of one in software
    #[arg(long, value_name = "PLACE", default_value_t)]
    pub(crate) tpm: towline_tpm::TpmPlace,

    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct Air {
    /// Where to listen, on this machine; port 0 picks a free one
    #[arg(long, value_name = "udp:ADDR", value_parser = udp_addr, default_value = "udp:127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell to complete for
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_can_be_said_before_a_command_can_be_said_after_it() {
        /// What opens a store: after `keys backup` it is what opens the backup.
        const OPENS: [&str; 5] =
            ["passphrase", "passphrase_file", "key_file", "keyring", "tpm_key"];
        fn look_at(command: &clap::Command, found: &mut Vec<String>) {
            for inner in command.get_subcommands() {
                look_at(inner, found);
            }
            if command.has_subcommands() {
                let only_before = command
                    .get_arguments()
                    .filter(|it| !it.is_global_set() && !OPENS.contains(&it.get_id().as_str()));
                let name = command.get_name();
                found.extend(only_before.map(|it| format!("{name} {}", it.get_id())));
            }
        }
        let mut found = Vec::new();
        look_at(&Cli::command(), &mut found);
        assert_eq!(found, [""; 0]);
    }
}
