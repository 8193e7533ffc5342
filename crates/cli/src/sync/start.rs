//! `towline sync start`: a circle is begun.

use std::sync::Arc;

use towline::crypto::CryptoProvider;
use towline_sync::{Circle, DeviceKeys, MemberKind, PaperKey};

use super::{
    circle::{Member, config, new_member, now, refused},
    objects::Root,
};
use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    report::Report,
    secret,
    sync::status,
};

/// How often a word may be typed wrong.
const TRIES: u8 = 3;

pub(super) fn run(
    args: &args::Store,
    place: &args::Place,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    let root = Root::named(&place.folder)?;
    // Whatever is wrong there is told before anything is begun.
    root.circles()?;
    let store = new_member(args, provider, report)?;
    let failed = |error: towline::crypto::Error| refused(&error.into());
    let paper = PaperKey::generate(provider).map_err(failed)?;
    written_down(&paper, provider, report)?;
    let keys = DeviceKeys::generate(provider).map_err(failed)?;
    let on_paper = paper.keys(provider).map_err(failed)?;
    let introduced = on_paper.introduce(None, keys.id(), MemberKind::Paper).map_err(failed)?;
    let kept = keys.to_bytes().map_err(failed)?;
    let own = DeviceKeys::from_bytes(provider, &kept).map_err(failed)?;
    let circle = Circle::begin(provider.clone(), config(), own, introduced, now());
    let circle = circle.map_err(|error| refused(&error))?;
    let mut member = Member::begin(store, provider, &keys, circle, &place.name, root)?;
    let exit = member.finish(report)?;
    status::tell(&member.synced, report);
    Ok(exit)
}

/// Shows the paper key, and asks two of its words back.
fn written_down(
    paper: &PaperKey,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<(), Failure> {
    let asked = paper.places_to_ask(provider).map_err(|error| refused(&error.into()))?;
    let (words, code) = (paper.words().to_string(), paper.code().to_string());
    report.event(&Event::PaperKey { words, code, asked });
    for place in asked {
        let mut tries = 0..TRIES;
        loop {
            if tries.next().is_none() {
                let message = "that was another word, three times: begin again, and write the new words down; nothing was begun";
                return Err(Failure::new(Exit::Refused, "not_written_down", message));
            }
            let typed = secret::read(None, &format!("word {place} of the paper key"))?;
            if paper.is_word(place, &typed) {
                break;
            }
            report.hint(&format!("that is not word {place}; look at what you have written"));
        }
    }
    Ok(())
}
