//! The command line of `towline links`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Store;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline links --links computer.links
  towline links --links computer.links forget \"Alice's phone\"
  towline links --links phone.links forget 1             the first of the list
  towline links --store my.passkeys                      with `--links store`")]
pub(crate) struct Links {
    /// The file that `computer` or `phone` was given; without it they are looked for in the store
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) links: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) store: Store,

    #[command(subcommand)]
    pub(crate) command: Option<LinksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksCommand {
    /// List the devices, each with a number (what is done without a command)
    List,
    /// Forget a device: by its number in the list, or a phone by its name
    ///
    /// A computer that is forgotten can't ring any more: the phone tells its relay so, at once or
    /// when it is started, and the relay tells the computer.
    Forget {
        /// The name or number, as the list says
        name: String,
    },
}
