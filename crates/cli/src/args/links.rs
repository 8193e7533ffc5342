//! The command line of `towline links`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Store;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline links --links computer.links list
  towline links --links computer.links forget \"Alice's phone\"
  towline links --links phone.links forget 1             the first computer of the list
  towline links --store my.passkeys list                 with `--links store`")]
pub(crate) struct Links {
    /// The file that `computer` or `phone` was given; without it they are looked for in the store
    #[arg(long, value_name = "FILE")]
    pub(crate) links: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) store: Store,

    #[command(subcommand)]
    pub(crate) command: LinksCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksCommand {
    /// List the devices
    List,
    /// Forget a device: a phone by its name, a computer by its number in the list
    ///
    /// A computer that is forgotten is told so when it rings the next time.
    Forget {
        /// The name or number, as the list says
        name: String,
    },
}
