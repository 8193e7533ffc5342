//! `towline sync recover`: everything comes back by the paper key.

use std::{path::Path, sync::Arc, time::SystemTime};

use towline::crypto::CryptoProvider;
use towline_sync::{Circle, CircleStore, DeviceKeys, MemberKind, PaperKey, SyncOutput};

use super::{
    circle::{Member, config, new_member, now, refused},
    day::day,
    objects::{Objects, Patience, Root},
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
    let root = Root::named(&place.folder)?;
    let words = secret::read(paper, "paper key (24 words)")?;
    let paper =
        PaperKey::read(&words).map_err(|error| Failure::usage("paper_key", error.to_string()))?;
    let failed = |error: towline::crypto::Error| refused(&error.into());
    let keys = || paper.keys(provider).map_err(failed);
    let mut circle = find(&root, keys, provider)?;
    let store = new_member(args, provider, report)?;
    let kept = Kept::File(store.clone());
    let message = question(&circle, root.noun());
    owner::agrees(Question::Recover, message, owner, args, &kept, report).await?;

    let own = DeviceKeys::generate(provider).map_err(failed)?;
    let (id, on_paper) = (circle.id(), circle.device());
    let introduced = own.introduce(Some(id), on_paper, MemberKind::Device).map_err(failed)?;
    let lost = circle.take_over(introduced, now()).map_err(|error| refused(&error))?;
    let bytes = own.to_bytes().map_err(failed)?;
    let same = DeviceKeys::from_bytes(provider, &bytes).map_err(failed)?;
    let joined = Circle::join(provider.clone(), config(), same, &circle.welcome(), now());
    let mut joined = joined.map_err(|error| refused(&error))?;
    joined.expose_all(lost);
    let mut member = Member::begin(store, provider, &own, joined, &place.name, root)?;
    let exit = member.finish(report)?;
    remove::list(&member.synced, report);
    status::tell(&member.synced, report);
    Ok(exit)
}

/// The circle that is there and to which the paper key belongs, with all that it can read.
fn find(
    root: &Root,
    keys: impl Fn() -> Result<DeviceKeys, Failure>,
    provider: &CryptoProvider,
) -> Result<Circle, Failure> {
    let circles = root.circles()?;
    let none = circles.is_empty();
    for id in circles {
        let objects = Objects::new(root.clone(), id, Patience::Work);
        let mut circle = Circle::recover(provider.clone(), config(), keys()?, id, now());
        circle.handle_timeout(now());
        while let Some(output) = circle.poll_output() {
            match output {
                // Nothing of it is kept: the new device keeps all.
                SyncOutput::Save { token, .. } => circle.handle_saved(token),
                output => {
                    objects.answer(&mut circle, output, now())?;
                }
            }
        }
        if circle.is_member() {
            return Ok(circle);
        }
    }
    let (root, noun) = (root.address(), root.noun());
    let message = if none {
        format!(
            "there is no circle in {root}; name the {noun} that your devices had, once all of it is there"
        )
    } else {
        format!(
            "this paper key belongs to no circle in {root}; is it the paper of this circle, and is all of the {noun} there?"
        )
    };
    Err(Failure::usage("no_circle", message))
}

/// An old state can't be told from a new one here: the person judges it.
fn question(circle: &Circle, noun: &str) -> String {
    let newest = circle.newest_change().map_or_else(
        || "nothing was ever written by a device".to_owned(),
        |(device, at)| {
            let name = circle.device_name(device).unwrap_or_else(|| "a device".to_owned());
            format!("newest change: {}, by {name:?}", day(at, SystemTime::now()))
        },
    );
    let passkeys = circle.passkeys().count();
    format!(
        "In the {noun}: {newest}; {passkeys} passkey{}. If that is what you expect: bring them to this device, and remove all \
         other devices of the circle for ever?",
        if passkeys == 1 { "" } else { "s" }
    )
}
