//! `towline sync`: the same passkeys on all of a person's devices.

mod background;
mod circle;
mod day;
mod far;
mod in_time;
mod joining;
mod objects;
mod recover;
mod remove;
mod start;
mod status;
mod watch;

use std::sync::Arc;

pub(crate) use self::background::Background;
use self::objects::Root;
use crate::{
    args::{self, SyncCommand},
    exit::{Exit, Failure},
    report::Report,
};

pub(crate) async fn run(args: &args::Sync, report: &Arc<Report>) -> Result<Exit, Failure> {
    let provider = towline::fastest::provider();
    let store = &args.store;
    match &args.command {
        SyncCommand::Start { place } => start::run(store, place, &provider, report),
        SyncCommand::Invite(meet) => joining::invite(store, meet, &provider, report).await,
        SyncCommand::Join { name, folder, meet } => {
            let root = folder.as_deref().map(Root::named).transpose()?;
            let own = joining::Own { name, root };
            joining::join(store, own, meet, &provider, report).await
        }
        SyncCommand::Status => status::run(store, &provider, report),
        SyncCommand::Watch { every, once } => {
            watch::run(store, *every, *once, &provider, report).await
        }
        SyncCommand::Remove { device, keep, done, owner } => {
            let whom = remove::Whom { device: device.as_deref(), keep, done };
            remove::run(store, whom, owner, &provider, report).await
        }
        SyncCommand::Recover { place, paper_key_file, owner } => {
            let file = paper_key_file.as_deref();
            recover::run(store, place, file, owner, &provider, report).await
        }
    }
}
