//! Client data (CollectedClientData, WebAuthn L3 §5.8.1) that say something else. They are changed
//! as text, so that the order of the members, which verifiers may rely on, stays.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::Fault;

pub(super) fn bent(fault: Fault, creates: bool, client_data: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(client_data).ok()?;
    let value: Value = serde_json::from_str(text).ok()?;
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    let put = |name: &str, new: Value| Some(replace(text, name, value.get(name)?, &new));
    let add = |more: &str| Some(format!("{},{more}}}", text.strip_suffix('}')?));
    let bent = match fault {
        Fault::WrongType => {
            put("type", if creates { "webauthn.get" } else { "webauthn.create" }.into())
        }
        Fault::WrongChallenge => {
            // As long as the real one, and base64url: it is compared, or it is not noticed.
            let mut challenge = URL_SAFE_NO_PAD.decode(member("challenge")?).ok()?;
            *challenge.last_mut()? ^= 1;
            put("challenge", URL_SAFE_NO_PAD.encode(challenge).into())
        }
        Fault::PaddedChallenge => {
            let challenge = member("challenge")?;
            let padding = if challenge.len() % 4 == 2 { "==" } else { "=" };
            put("challenge", format!("{challenge}{padding}").into())
        }
        Fault::WrongOrigin => put("origin", "https://attacker.example".into()),
        Fault::InsecureOrigin => {
            let host = member("origin")?.strip_prefix("https://")?;
            put("origin", format!("http://{host}").into())
        }
        Fault::OriginWithPort => put("origin", format!("{}:8443", member("origin")?).into()),
        Fault::OriginOfSubdomain => {
            let host = member("origin")?.strip_prefix("https://")?;
            put("origin", format!("https://www.{host}").into())
        }
        Fault::CrossOrigin => put("crossOrigin", true.into()),
        Fault::TopOrigin => add(r#""topOrigin":"https://attacker.example""#),
        Fault::MissingChallenge => {
            let challenge = Value::from(member("challenge")?);
            Some(text.replacen(&format!(r#""challenge":{challenge},"#), "", 1))
        }
        Fault::ClientDataNotJson => Some("these are no client data".into()),
        Fault::UnknownClientData => add(r#""other_keys_can_be_added_here":"do not compare""#),
        _ => None,
    }?;
    Some(bent.into_bytes())
}

fn replace(text: &str, name: &str, old: &Value, new: &Value) -> String {
    text.replacen(&format!(r#""{name}":{old}"#), &format!(r#""{name}":{new}"#), 1)
}
