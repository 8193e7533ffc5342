//! `towline sync recover`: everything comes back by the paper key.

use std::{path::Path, sync::Arc, time::SystemTime};

use towline::crypto::CryptoProvider;
use towline_sync::{Circle, CircleStore, DeviceKeys, MemberKind, PaperKey, SyncOutput};
use towline_sync_folder::Folder;

use super::{
    circle::{EVERY, Member, config, folder_failure, new_member, now, refused, root},
    day::day,
    remove, status,
};
use crate::{
    args,
    event::Question,
    exit::{Exit, Failure},
    keys::{kept::Kept, owner},
    report::Report,
    secret,
};

pub(super) async fn run(
    args: &args::Store,
    place: &args::Place,
    paper: Option<&Path>,
    owner: &args::Owner,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let root = root(&place.folder)?;
    let words = secret::read(paper, "paper key (24 words)")?;
    let paper =
        PaperKey::read(&words).map_err(|error| Failure::usage("paper_key", error.to_string()))?;
    let failed = |error: towline::crypto::Error| refused(&error.into());
    let keys = || paper.keys(provider).map_err(failed);
    let mut circle = find(&root, keys, provider)?;
    let store = new_member(args, provider, report)?;
    let kept = Kept::File(store.clone());
    let message = question(&circle);
    owner::agrees(Question::Recover, message, owner, args, &kept, report).await?;

    let own = DeviceKeys::generate(provider).map_err(failed)?;
    let (id, on_paper) = (circle.id(), circle.device());
    let introduced = own.introduce(Some(id), on_paper, MemberKind::Device).map_err(failed)?;
    let lost = circle.take_over(introduced, now()).map_err(|error| refused(&error))?;
    let bytes = own.to_bytes().map_err(failed)?;
    let same = DeviceKeys::from_bytes(provider, &bytes).map_err(failed)?;
    let joined = Circle::join(provider.clone(), config(EVERY), same, &circle.welcome(), now());
    let mut joined = joined.map_err(|error| refused(&error))?;
    joined.expose_all(lost);
    let mut member = Member::begin(store, provider, &own, joined, place)?;
    member.settle(report)?;
    remove::list(&member.synced, report);
    status::tell(&member.synced, report);
    Ok(Exit::Ok)
}

/// The circle in this folder to which the paper key belongs, with all that it can read.
fn find(
    root: &Path,
    keys: impl Fn() -> Result<DeviceKeys, Failure>,
    provider: &CryptoProvider,
) -> Result<Circle, Failure> {
    let unreadable = |error: std::io::Error| folder_failure(root, &error);
    let circles = Folder::circles(root).map_err(unreadable)?;
    let none = circles.is_empty();
    for id in circles {
        let folder = Folder::open(root, id).map_err(unreadable)?;
        let mut circle = Circle::recover(provider.clone(), config(EVERY), keys()?, id, now());
        circle.handle_timeout(now());
        while let Some(output) = circle.poll_output() {
            match output {
                // Nothing of it is kept: the new device keeps all.
                SyncOutput::Save { token, .. } => circle.handle_saved(token),
                output => {
                    let answered = CircleStore::answer(&folder, &mut circle, output, now());
                    answered.map_err(unreadable)?;
                }
            }
        }
        if circle.is_member() {
            return Ok(circle);
        }
    }
    let root = root.display();
    let message = if none {
        format!(
            "there is no circle in {root}; name the folder that your devices had, once all of it is there"
        )
    } else {
        format!(
            "this paper key belongs to no circle in {root}; is it the paper of this circle, and is all of the folder there?"
        )
    };
    Err(Failure::usage("no_circle", message))
}

/// An old state can't be told from a new one here: the person judges it.
fn question(circle: &Circle) -> String {
    let newest = circle.newest_change().map_or_else(
        || "nothing was ever written by a device".to_owned(),
        |(device, at)| {
            let name = circle.device_name(device).unwrap_or_else(|| "a device".to_owned());
            format!("newest change: {}, by {name:?}", day(at, SystemTime::now()))
        },
    );
    let passkeys = circle.passkeys().count();
    format!(
        "In the folder: {newest}; {passkeys} passkey{}. If that is what you expect: bring them to this device, and remove all \
         other devices of the circle for ever?",
        if passkeys == 1 { "" } else { "s" }
    )
}
