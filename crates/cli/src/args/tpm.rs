//! The command line of `towline tpm`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

use super::{Store, values::authority_url};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline tpm enroll --ca https://ca.example/tpm
  towline tpm enroll --request tpm.json             take it to the authority, and bring back its answer
  towline tpm enroll --answer answer.json
  towline tpm forget

To try it, `towline virtual tpm-ca` is an authority for tests. docs/tpm.md says what an authority gets
and has to answer.")]
pub(crate) struct Tpm {
    #[command(flatten)]
    pub(crate) store: Store,

    /// Where the TPM is: a device, or tcp:ADDR or unix:PATH, where `swtpm` is one in software
    #[arg(long, global = true, value_name = "PLACE", default_value_t)]
    pub(crate) tpm: towline_tpm::TpmPlace,

    #[command(subcommand)]
    pub(crate) command: TpmTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TpmTask {
    /// Have an authority certify that passkeys of this store are in this TPM
    ///
    /// Makes a key in the TPM that attests to other keys in it, and has an authority certify it,
    /// which is shown the certificate of the TPM's maker. From then on a site that asks for it, and
    /// whose asking you allow, is told that a new passkey is in a TPM (attestation format `tpm`).
    /// The certificate is the same for every site. An enrolment from before is replaced.
    #[command(group(clap::ArgGroup::new("way").required(true).args(["ca", "request", "answer"])))]
    Enroll(Enroll),
    /// Attest to no passkey any more: the key and its certificate are forgotten
    Forget,
}

#[derive(Debug, Args)]
pub(crate) struct Enroll {
    /// The authority, by HTTPS, or by HTTP on this machine
    #[arg(long, value_name = "URL", value_parser = authority_url)]
    pub(crate) ca: Option<Url>,

    /// Trust these certificates (PEM) for the connection to it, instead of the system's
    #[arg(long, value_name = "FILE", requires = "ca")]
    pub(crate) tls_roots: Option<PathBuf>,

    /// Write what the authority needs to know to this file, for another way than the network
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,

    /// Take what the authority has answered from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) answer: Option<PathBuf>,
}

/// An authority for tests.
#[derive(Debug, Args)]
pub(crate) struct TpmCa {
    /// Take one request from this file, instead of listening
    #[arg(long, value_name = "FILE", requires = "answer")]
    pub(crate) request: Option<PathBuf>,

    /// Write the answer to this file
    #[arg(long, value_name = "FILE", requires = "request")]
    pub(crate) answer: Option<PathBuf>,

    /// Write the certificate of the root to this file (PEM), for those who are to trust it
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,

    /// Its keys follow from this number: they are no secrets
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Its certificates are for authenticators of this model alone
    #[arg(long, value_name = "UUID", value_parser = super::aaguid)]
    pub(crate) aaguid: Option<towline_ctap::Aaguid>,

    /// The port on 127.0.0.1; 0 is a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
}
