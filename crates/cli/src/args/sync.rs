//! The command line of `towline sync`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Network, Owner, Radio, Store};

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline sync start --folder ~/Sync/passkeys --name laptop      and write down the 24 words
  towline phone --sync                                           takes part while it runs
  towline sync watch                                             the same without a phone
  towline sync invite                                            and, on the other device:
  towline sync join code.png --name phone
  towline sync status
  towline sync remove \"old phone\"                                it was stolen, say
  towline sync remove --done 4be19c                              this passkey is removed at its site
  towline sync recover --folder ~/Sync/passkeys --name \"new laptop\"

Stores of other machines, if the program was built with cargo's feature `stores`:
  --folder s3://BUCKET/FOLDER      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION;
                                   AWS_SESSION_TOKEN with credentials for a time;
                                   AWS_ENDPOINT_URL where it is not Amazon's
  --folder gs://BUCKET/FOLDER      GOOGLE_APPLICATION_CREDENTIALS
  --folder az://CONTAINER/FOLDER   AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY
  --folder https://HOST/FOLDER     TOWLINE_WEBDAV_USER, TOWLINE_WEBDAV_PASSWORD
What lets in is read from these variables, by each program that takes part, and kept nowhere.

docs/sync.md says what happens, and what the folder or store learns.")]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(crate) store: Store,

    #[command(subcommand)]
    pub(crate) command: SyncCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SyncCommand {
    /// Begin a circle with this device, and show its paper key, once
    ///
    /// The paper key is 24 words. They bring everything back when all devices are lost; without
    /// them nobody can. Two of them are asked back before anything is begun.
    Start {
        #[command(flatten)]
        place: Place,
    },
    /// Add another device to the circle: it runs `towline sync join`, near this one
    ///
    /// Shows a code for the other device, or takes the code that it shows. Both persons are asked.
    Invite(Meet),
    /// Join the circle of another device: it runs `towline sync invite`, near this one
    ///
    /// Shows a code for the other device, or takes the code that it shows. Both persons are asked.
    /// The store is made if it is not there; what is in it goes to the others, too.
    Join {
        /// What your other devices call this one
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The folder, or the address of the store, in which the circle's objects are, if it is not
        /// where the other device has it
        #[arg(long, value_name = "DIR|ADDRESS")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        meet: Meet,
    },
    /// Say which devices there are, and what has reached them
    Status,
    /// Take part in the circle, until Ctrl-C
    Watch {
        /// How often it is looked for news, in seconds: 5 is usual for a folder, and 30 for a store
        /// of another machine
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: Option<u64>,
        /// Do it once, and end
        #[arg(long)]
        once: bool,
    },
    /// Remove a device that was lost or stolen, with those that it has added
    ///
    /// What was on it, whoever has it can use: afterwards its passkeys are listed that are to be
    /// removed at their sites, here and whenever no device is named.
    Remove {
        /// Its name, or the beginning of its id, as `status` says them
        #[arg(value_name = "DEVICE")]
        device: Option<String>,
        /// Keep this one, which the removed one has added; may be repeated
        #[arg(long, value_name = "DEVICE", requires = "device")]
        keep: Vec<String>,
        /// The passkey of this id is removed at its site: it is listed no more; may be repeated
        #[arg(long, value_name = "ID", conflicts_with = "device")]
        done: Vec<String>,
        #[command(flatten)]
        owner: Owner,
    },
    /// Bring everything back by the paper key: this device joins, and all others are removed
    Recover {
        #[command(flatten)]
        place: Place,
        /// The 24 words are in this file; without it they are asked for
        #[arg(long, value_name = "FILE")]
        paper_key_file: Option<PathBuf>,
        #[command(flatten)]
        owner: Owner,
    },
}

/// Where the circle is, and what this device is called there.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Where the circle's objects are: a folder that a tool carries to your other devices, or the
    /// address of a store of another machine, such as s3://BUCKET/FOLDER or https://HOST/FOLDER
    #[arg(long, value_name = "DIR|ADDRESS")]
    pub(crate) folder: PathBuf,

    /// What your other devices call this one
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}

/// How two devices meet.
#[derive(Debug, Clone, Args)]
pub(crate) struct Meet {
    /// The code that the other device shows: its text (FIDO:/...), a picture of it, or `screen`;
    /// without it this device shows one
    #[arg(value_name = "CODE|IMAGE")]
    pub(crate) code: Option<String>,

    /// Also write the code that is shown to this PNG file
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_image: Option<PathBuf>,

    /// With a code: the number of the tunnel domain to name to the other device, as for `phone`
    #[arg(long, value_name = "N")]
    pub(crate) domain: Option<u16>,

    #[command(flatten)]
    pub(crate) owner: Owner,

    #[command(flatten)]
    pub(crate) network: Network,

    #[command(flatten)]
    pub(crate) radio: Radio,
}
