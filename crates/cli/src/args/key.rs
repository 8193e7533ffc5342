//! The command line of `towline key`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use towline_ctap::RpId;
use towline_ctaphid_socket::Endpoint;

use super::{Custody, Store};

/// Who says that somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresenceMode {
    /// Ask on the terminal, each time
    Ask,
    /// Ask by desktop notifications, each time
    Notify,
    /// SIMULATED: every program that reaches the key gets what it asks for
    Auto,
}

/// What a security key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// It has to be touched, and can have a PIN
    SecurityKey,
    /// It has a SIMULATED fingerprint sensor as well: with the PIN, programs enrol fingers, which
    /// then count as much as the PIN; a yes is a finger that it knows
    FingerprintKey,
}

/// What a site is told of where a new passkey lives, if it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyAttestation {
    /// Nothing but a signature by the passkey itself (packed, self)
    #[value(name = "self")]
    Own,
    /// Which model it is, by a key and certificates that many share (packed, basic); you are asked
    /// each time
    Basic,
    /// That it is in this TPM, by the certificate that `towline tpm enroll` has fetched, which is
    /// this one's and the same for all sites (tpm); you are asked each time. Without this a site
    /// gets it that asks for this format by its name
    Tpm,
    /// No statement at all
    None,
}

/// Whether PINs have to be more than long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PinPolicy {
    /// Any PIN that is long enough will do
    Off,
    /// Not until a program turns it on (authenticatorConfig, setMinPINLength)
    Configurable,
    /// Yes: 1111 and 1234 are refused
    Enforced,
}

/// How relying parties keep more with a passkey than fits into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LargeBlobForm {
    /// By the command authenticatorLargeBlobs and the extension largeBlobKey, since CTAP 2.1
    Command,
    /// By the extension largeBlob, since CTAP 2.3
    Extension,
}

#[derive(Debug, Args)]
#[command(after_long_help = KEY_EXAMPLES)]
pub(crate) struct Key {
    /// Be a key on USB, which browsers, OpenSSH and libfido2 find by themselves (Linux, through
    /// /dev/uhid)
    #[arg(long)]
    pub(crate) uhid: bool,

    /// Where to listen, on this machine: udp:ADDR, tcp:ADDR or unix:PATH; port 0 picks a free one.
    /// Can be repeated [default: udp:127.0.0.1:8111, without --uhid]
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) listen: Vec<Endpoint>,

    /// Who confirms what programs ask for
    #[arg(long, value_enum, default_value_t = PresenceMode::Ask)]
    pub(crate) presence: PresenceMode,

    /// What kind of key it is
    #[arg(long, value_enum, default_value_t = KeyKind::SecurityKey)]
    pub(crate) kind: KeyKind,

    /// How relying parties keep more with a passkey than fits into it; a key has one of the two
    #[arg(long, value_enum, default_value_t = LargeBlobForm::Command)]
    pub(crate) large_blobs: LargeBlobForm,

    /// How long a question stays open; after that, programs are told that nobody answered
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,

    /// Once there is a PIN, take it for every registration (no claim makeCredUvNotRqd):
    /// systemd-cryptenroll needs that
    #[arg(long)]
    pub(crate) verify_to_register: bool,

    /// Whether simple PINs are refused
    #[arg(long, value_enum, default_value_t = PinPolicy::Off)]
    pub(crate) pin_complexity: PinPolicy,

    /// Let programs demand a touch of five seconds for a reset (authenticatorConfig,
    /// enableLongTouchForReset): a yes has to stand for so long then
    #[arg(long)]
    pub(crate) long_touch_reset: bool,

    /// What sites are told of where a new passkey lives
    #[arg(long, value_enum, default_value_t = KeyAttestation::Own)]
    pub(crate) attestation: KeyAttestation,

    /// The private key that vouches for this one: on P-256, PEM
    #[arg(long, value_name = "FILE", requires = "attestation_certificates")]
    pub(crate) attestation_key: Option<PathBuf>,

    /// The certificates of that key, its own first: PEM
    #[arg(long, value_name = "FILE", requires = "attestation_key")]
    pub(crate) attestation_certificates: Option<PathBuf>,

    /// Be capable of enterprise attestation, which tells a site which single device this is: once a
    /// program has turned it on, to sites that the program chooses, and those of --enterprise-rp.
    /// You are asked each time
    #[arg(long)]
    pub(crate) enterprise_attestation: bool,

    /// A site that may ask for it by itself, by its RP ID. Can be repeated
    #[arg(long, value_name = "RP_ID", value_parser = rp_id, requires = "enterprise_attestation")]
    pub(crate) enterprise_rp: Vec<RpId>,

    /// Take part in the circle of the store while this runs: `towline sync`. New passkeys that are
    /// stored are then for all of your devices, and don't count their signatures
    #[arg(long)]
    pub(crate) sync: bool,

    #[command(flatten)]
    pub(crate) store: Store,

    #[command(flatten)]
    pub(crate) custody: Custody,
}

fn rp_id(text: &str) -> Result<RpId, String> {
    RpId::new(text).map_err(|_| "it looks like example.org".into())
}

impl Key {
    /// Where to listen.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let somewhere = self.uhid || !self.listen.is_empty();
        if somewhere { self.listen.clone() } else { DEFAULT_ENDPOINT.parse().into_iter().collect() }
    }
}

/// Where a key is looked for that is not on USB.
const DEFAULT_ENDPOINT: &str = "udp:127.0.0.1:8111";

const KEY_EXAMPLES: &str = "\
Examples:
  towline key --uhid --store my.passkeys            on USB: what any browser on this machine sees
  towline key                                       at udp:127.0.0.1:8111, asks here
  towline key --listen tcp:127.0.0.1:35962 --listen unix:/run/user/1000/key.sock
  towline key --uhid --presence notify              asks by desktop notifications
  towline key --presence auto                       SIMULATED presence, for tests
  towline key --store my.passkeys                   kept in a file; `towline keys` lists them
  towline key --uhid --keys tpm                     the private keys stay in this machine's TPM
  towline key --kind fingerprint-key                with a SIMULATED sensor: a yes is a finger on it
  towline key --verify-to-register                  for systemd-cryptenroll with a PIN
  towline key --attestation basic --attestation-key batch.key --attestation-certificates batch.pem

From Python, with python-fido2 (pip install fido2):
  import socket
  from fido2.ctap2 import Ctap2
  from fido2.hid import CtapHidDevice
  from fido2.hid.base import CtapHidConnection, HidDescriptor

  class Socket(CtapHidConnection):
      def __init__(self, address):
          self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          self.udp.connect(address)
      def read_packet(self): return self.udp.recv(64)
      def write_packet(self, data): self.udp.send(data)
      def close(self): self.udp.close()

  name = HidDescriptor(\"udp:127.0.0.1:8111\", 0x1209, 0, 64, 64, \"towline\", None)
  print(Ctap2(CtapHidDevice(name, Socket((\"127.0.0.1\", 8111)))).info)

With libfido2, give fido_dev_set_io_functions() functions that open, read, write and close such a socket. \
It writes 65 bytes, with a report number 0 in front: send them as they are over UDP, without the first over \
TCP and Unix sockets.";
