//! What the tests do with the session behind a page's back.

use serde_json::{Value, json};
use towline_virtual_server::{
    AuthenticatorId, AuthenticatorOptions, Base64Url, ServiceError, Session, StoredCredential,
    SwitchChange,
};

/// Does one thing: `{"do": "add", "options": {..}}`.
pub(crate) fn control(session: &Session, asked: &Value) -> Result<Value, String> {
    let id = AuthenticatorId::new(asked["authenticator"].as_str().unwrap_or_default());
    carry_out(session, &id, asked).map_err(|error| error.to_string())
}

fn carry_out(
    session: &Session,
    id: &AuthenticatorId,
    asked: &Value,
) -> Result<Value, ServiceError> {
    let passkey = || serde_json::from_value::<Base64Url>(asked["credentialId"].clone()).unwrap();
    Ok(match asked["do"].as_str().unwrap() {
        "empty" => {
            for id in session.authenticators()? {
                session.remove_authenticator(&id)?;
            }
            Value::Null
        }
        "add" => {
            let options = asked["options"].clone();
            let options: AuthenticatorOptions = serde_json::from_value(options).unwrap();
            json!(session.add_authenticator(options)?)
        }
        "remove" => json!(session.remove_authenticator(id)?),
        "switch" => {
            let change: SwitchChange = serde_json::from_value(asked["change"].clone()).unwrap();
            json!(session.set_switches(id, change)?)
        }
        "credentials" => json!(session.credentials(id)?),
        "add-credential" => {
            let credential = asked["credential"].clone();
            let credential: StoredCredential = serde_json::from_value(credential).unwrap();
            session.add_credential(id, &credential)?;
            Value::Null
        }
        "remove-credential" => {
            session.remove_credential(id, &passkey())?;
            Value::Null
        }
        "log" => {
            let after = asked["after"].as_u64().unwrap_or_default();
            json!(session.log(after).iter().map(|notice| json!(**notice)).collect::<Vec<_>>())
        }
        what => panic!("what is {what}?"),
    })
}
