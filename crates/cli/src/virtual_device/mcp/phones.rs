//! The tool that gives a phone a code.

use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

use serde_json::{Value, json};
use towline_virtual_server::{PhoneId, PhoneOptions, PhoneState, Session};

use super::{
    desk::{Done, put, said, seconds},
    tools::Scan,
};

/// The most bytes of a screenshot.
const LONGEST_PICTURE: u64 = 24 << 20;

/// Points the camera of a phone at a code. Where there is no phone yet, it is a new one, with the
/// passkeys of the authenticator if there is one.
pub(super) async fn scan(session: &Session, wanted: Scan) -> Done {
    let wait = seconds(wanted.wait)?;
    let id = match wanted.phone {
        Some(name) => PhoneId::new(name),
        None => only(session).await?,
    };
    match (wanted.path, wanted.code, wanted.end) {
        (Some(path), None, false) => {
            let png = picture(path).await?;
            session.scan_png(&id, png).await.map_err(said)?;
        }
        (None, Some(code), false) => session.scan(&id, &code).map_err(said)?,
        (None, None, false) => {}
        (None, None, true) => session.give_up(&id).map_err(said)?,
        _ => return Err("give one of `path`, `code` and `end`, or none to wait on".to_owned()),
    }
    let ended = tokio::time::timeout(wait, session.phone_connected(&id)).await;
    let state = session.phone(&id).map_err(said)?;
    if ended.is_err() {
        return Ok(json!({
            "pending": true,
            "phoneId": id,
            "asked": state.person.open,
            "next": "what is asked is answered by the tool `person` with this phoneId as \
                     authenticator; call scan_code without code to wait on. If nothing is asked, \
                     no computer has heard the phone yet: the computer has to be near, as this \
                     program was started",
        }));
    }
    match state.last.as_ref().and_then(|last| last.error.clone()) {
        Some(why) => Err(format!("{why}; read_log shows how far the phone came")),
        None => Ok(shown(&state)),
    }
}

/// The only phone, or a new one.
async fn only(session: &Session) -> Result<PhoneId, String> {
    let phones = session.phones().map_err(said)?;
    match phones.as_slice() {
        [] => {
            let mut options = PhoneOptions::default();
            let authenticators = session.authenticators().map_err(said)?;
            options.synced_with = authenticators.first().cloned();
            session.add_phone(options).await.map_err(said)
        }
        [phone] => Ok(phone.phone_id.clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|it| it.phone_id.as_str()).collect();
            Err(format!("`phone` is needed, as there are {}", names.join(", ")))
        }
    }
}

async fn picture(path: PathBuf) -> Result<Vec<u8>, String> {
    let name = path.display().to_string();
    // A disk may be slow.
    let read = tokio::task::spawn_blocking(move || {
        let file = File::open(&path)?;
        let mut bytes = Vec::new();
        file.take(LONGEST_PICTURE.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let read: Result<Vec<u8>, io::Error> =
        read.await.unwrap_or_else(|_| Err(io::Error::other("it can't be read")));
    let bytes = read.map_err(|error| format!("path: {name}: {error}"))?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > LONGEST_PICTURE {
        return Err(format!(
            "path: {name}: it has more than 24 MiB; take a smaller part of the screen"
        ));
    }
    Ok(bytes)
}

/// A phone, as an agent is told of it.
pub(super) fn shown(phone: &PhoneState) -> Value {
    let mut json = json!({
        "phoneId": phone.phone_id,
        "doing": phone.doing,
        "passkeys": phone.passkeys,
        "asked": phone.person.open,
    });
    if let Some(last) = &phone.last {
        put(&mut json, "last", json!(last));
    }
    json
}
