//! The command line of `towline virtual`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use towline_virtual::{Fault, FaultPlace, person::Rules};

use super::{Network, Radio, TpmCa};

#[derive(Debug, Subcommand)]
pub(crate) enum Virtual {
    /// Register: options of `navigator.credentials.create()` in, the response for the site out
    ///
    /// Reads what the site's server gives a page for `navigator.credentials.create()`
    /// (PublicKeyCredentialCreationOptionsJSON, alone or in a member `publicKey`) from standard
    /// input, and writes what the page would send back (RegistrationResponseJSON) to standard
    /// output, in one line and alone.
    #[command(after_long_help = CREATE)]
    Create(VirtualCeremony),
    /// Sign in: options of `navigator.credentials.get()` in, the response for the site out
    ///
    /// Reads PublicKeyCredentialRequestOptionsJSON, alone or in a member `publicKey`, from standard
    /// input, and writes AuthenticationResponseJSON to standard output, in one line and alone.
    #[command(after_long_help = GET)]
    Get(VirtualCeremony),
    /// Stay, and do what each line of standard input asks for: JSON in, JSON out
    ///
    /// Reads one JSON object from each line, and answers each with one line, in order. A line that
    /// can't be used is answered with an error that names the member. The end of the input, and
    /// Ctrl-C, end it with 0. docs/testing.md has the same in Python.
    #[command(after_long_help = PIPE)]
    Pipe(VirtualPipe),
    /// Serve virtual authenticators to tests on this machine: HTTP, WebDriver, DevTools, pages
    ///
    /// Listens on loopback alone, and prints one address with a token in it, which opens
    /// everything: `openapi.json` below it lists what there is. What is made is forgotten when the
    /// program ends, but for what --passkeys keeps. docs/virtual-service.md leads through it.
    #[command(after_long_help = SERVE)]
    Serve(VirtualServe),
    /// Give coding agents virtual authenticators, by the Model Context Protocol
    ///
    /// Speaks the protocol on standard input and output, for an agent that starts it; the end of
    /// the input ends it. The service of `serve` runs beside it, for the pages of the agent's
    /// browser. docs/virtual-mcp.md has the configuration for common agents.
    #[command(after_long_help = MCP)]
    Mcp(VirtualService),
    /// Be an authority that certifies attestation keys in TPMs, for tests of `towline tpm enroll`
    ///
    /// Listens on loopback, or answers the request in one file. It does what a real one does, but
    /// does not ask who has made a TPM, so that `swtpm` is one, too. Trust its root in tests only.
    #[command(after_long_help = TPM_CA)]
    TpmCa(TpmCa),
    /// List what can go wrong, by the names that --fault takes
    Faults,
}

/// A fault that can be put in here.
fn fault(name: &str) -> Result<Fault, String> {
    let unknown = |_| "no fault has this name; `towline virtual faults` lists them".to_owned();
    let fault: Fault = name.parse().map_err(unknown)?;
    usable(fault)
}

/// Whether a fault has anything to do here.
pub(crate) fn usable(fault: Fault) -> Result<Fault, String> {
    if fault.place() == FaultPlace::Report {
        return Err(format!("{fault} is in CTAPHID's reports, and there are none here"));
    }
    Ok(fault)
}

const CREATE: &str = "\
Examples:
  towline virtual create --origin https://example.org --passkeys test.passkeys < options.json
  towline virtual create --origin http://localhost:8080 --person refuses < options.json
  towline virtual create --origin https://example.org --fault wrong-challenge < options.json
  towline virtual create --origin https://example.org --person \"verifying: fails-the-lock x2\" \\
      --kind fingerprint-key --seed 7 < options.json

A failure is told on standard error, by the name of the exception that a browser would throw, and by
the exit code (`towline exit-codes`): 3 where the person refused, 4 where time ran out, 2 for options
that can't be used. With --json both response and failure are objects of one line, as elsewhere.";

const GET: &str = "\
Examples:
  towline virtual get --origin https://example.org --passkeys test.passkeys < options.json
  towline virtual get --origin https://example.org --passkeys test.passkeys \\
      --person picks=alice < options.json

A failure is told as by `towline virtual create`.";

const SERVE: &str = "\
Examples:
  towline virtual serve
  towline virtual serve --port 4455 --passkeys test.passkeys
  towline --json virtual serve --until-stdin-ends
  towline virtual serve --meet-others --air udp:127.0.0.1:4434 --relay ws://127.0.0.1:4433

With --json the address is in an event `serving`, with the token, the port and what pages under test
are given. Ctrl-C ends it with 0, and with --until-stdin-ends the end of standard input does.";

const MCP: &str = "\
Examples:
  towline virtual mcp
  towline virtual mcp --passkeys test.passkeys

Without --kind and --passkeys there is no authenticator until the agent makes one. Standard output is
for the protocol alone, with --json as well.";

const TPM_CA: &str = "\
Examples:
  towline virtual tpm-ca --port 8088 --root root.pem
  towline virtual tpm-ca --request tpm.json --answer answer.json";

const PIPE: &str = "\
Lines, and the answers to them:
  {\"id\":1,\"create\":{..options..},\"origin\":\"https://example.org\"}     {\"id\":1,\"response\":{..}}
  {\"id\":2,\"get\":{..options..},\"origin\":\"https://example.org\"}        {\"id\":2,\"response\":{..}}
  {\"id\":3,\"person\":\"verifying: fails-the-lock x2\"}                   {\"id\":3,\"person\":1}
  {\"id\":4,\"passkeys\":true}                                           {\"id\":4,\"passkeys\":[..]}
  {\"id\":5,\"add\":{\"rpId\":..,\"userHandle\":..,\"privateKey\":..}}         {\"id\":5,\"added\":\"ID\"}
  {\"id\":6,\"change\":{\"credentialId\":\"ID\",\"signCount\":0}}              {\"id\":6,\"changed\":\"ID\"}
  {\"id\":7,\"remove\":\"ID\"}                                             {\"id\":7,\"removed\":\"ID\"}
  {\"id\":7,\"export\":true}                                             {\"id\":7,\"exported\":{\"document\":{..},..}}
  {\"id\":7,\"import\":{..document..}}                                   {\"id\":7,\"imported\":[..]}
  {\"id\":8,\"advance\":30}                                              {\"id\":8,\"elapsed\":31}
  {\"id\":9,\"faults\":[\"wrong-challenge\"]}                              {\"id\":9,\"faults\":1}
Where it fails, `error` has `name`, the exception of a browser, or `member`, what is wrong with the
line; `reason`; and `message`. `id` is given back as it came, and may be missing. Passkeys are written
as the virtual authenticators of WebDriver write them.";

/// What a virtual authenticator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VirtualKind {
    /// On USB, touched, with a PIN if --pin sets one; counts its signatures
    SecurityKey,
    /// The same with a fingerprint sensor that knows the person
    FingerprintKey,
    /// Built into a computer, with its screen lock; its passkeys stay there
    Platform,
    /// A provider that syncs: passkeys are backed up, counters are zero
    SyncedPasskey,
    /// A phone over the hybrid transport
    Phone,
}

/// A virtual authenticator and its person. It is a test's: it says so by its AAGUID,
/// 746f776c-696e-652d-7465-73742d6b6579, and nobody is asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct VirtualDevice {
    /// Keep all that it keeps in this file, NOT SEALED; `create` makes it. Several processes may
    /// use one file. Without it, what is made is forgotten when the program ends
    #[arg(long, value_name = "FILE")]
    pub(crate) passkeys: Option<PathBuf>,

    /// What it is; without this what the file says, or a synced-passkey
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) kind: Option<VirtualKind>,

    /// What the person does, where they don't simply agree; may be repeated. Rules are tried in
    /// order: [WHICH [at RPID] [of ACCOUNT]: ][waits=SECONDS ]DOES[ xTIMES][; ..]
    ///
    /// WHICH is anything, creating, signing-in, already-registered, nothing-to-use, confirming,
    /// verifying, choosing, typing-a-pin, attesting or identifying. DOES is agrees, refuses,
    /// absent (time runs out), fails-the-lock, picks=ACCOUNT, picks=#NUMBER (from 1), types=PIN,
    /// cannot-type, or calls-it-off.
    #[arg(long, value_name = "RULES")]
    pub(crate) person: Vec<Rules>,

    /// What goes wrong, as `towline virtual faults` names it; may be repeated
    #[arg(long, value_name = "NAME", value_parser = fault)]
    pub(crate) fault: Vec<Fault>,

    /// The PIN that the person knows; one that is new, of a kind that has PINs, has it set
    #[arg(long, value_name = "PIN")]
    pub(crate) pin: Option<String>,

    /// All randomness follows from this number and from how much was made before: a run is repeated
    /// to the last byte
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct VirtualCeremony {
    /// The page's origin, by the rules of browsers: https, or http on localhost
    #[arg(long, value_name = "URL")]
    pub(crate) origin: String,

    /// So many seconds have passed since the last call with this file, by its own clock
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) later: u32,

    #[command(flatten)]
    pub(crate) device: VirtualDevice,
}

#[derive(Debug, Args)]
pub(crate) struct VirtualServe {
    #[command(flatten)]
    pub(crate) service: VirtualService,

    /// End when standard input ends, as it does when the program at its other end is killed: for
    /// programs that start this one with a pipe. What comes through it is thrown away
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VirtualService {
    /// Phones of the service meet computers of others: by --air and --relay, or by the Bluetooth of
    /// this machine. Without it they meet the service's own computer alone
    #[arg(long)]
    pub(crate) meet_others: bool,

    #[command(flatten)]
    pub(crate) network: Network,

    #[command(flatten)]
    pub(crate) radio: Radio,

    /// The number of the tunnel domain that phones name to computers; 0 is cable.ua5v.com
    #[arg(long, value_name = "NUMBER")]
    pub(crate) domain: Option<u16>,

    /// The port on 127.0.0.1; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,

    /// The default session has an authenticator from the start that keeps all in this file, NOT
    /// SEALED. It is made if it is not there. No other process has the file meanwhile
    #[arg(long, value_name = "FILE")]
    pub(crate) passkeys: Option<PathBuf>,

    /// What that authenticator is; without this what the file says, or a synced-passkey
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) kind: Option<VirtualKind>,
}

#[derive(Debug, Args)]
pub(crate) struct VirtualPipe {
    /// The origin of lines that name none
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,

    #[command(flatten)]
    pub(crate) device: VirtualDevice,
}
