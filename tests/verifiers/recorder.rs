//! A site that takes whatever comes, and writes down what passed: for verifiers in other languages,
//! which are asked afterwards.

use serde_json::{Value, json};

use crate::judges::{Judge, Strict, Verdict, base64url, bytes, id_of};

/// Asks as [`Strict`] does.
pub(crate) struct Recorder {
    asks: Strict,
    account: String,
    options: Value,
    ids: Vec<(String, String)>,
    steps: Vec<Value>,
}

impl Recorder {
    /// What passed so far: ceremonies, each with its options and its response.
    pub(crate) fn steps(&self) -> &[Value] {
        &self.steps
    }

    /// The client refused what was asked last.
    pub(crate) fn refused(&mut self, name: &str) {
        self.steps.push(json!({ "ceremony": "refused", "name": name }));
    }

    fn record(&mut self, ceremony: &str, response: &str) -> Value {
        let response: Value = serde_json::from_str(response).unwrap();
        let step = json!({ "ceremony": ceremony, "options": self.options, "response": response });
        self.steps.push(step);
        response
    }
}

/// Where the credential ID's length is in authenticator data.
const LENGTH: std::ops::Range<usize> = 53..55;

/// The ID by which libraries know a credential: that in the authenticator data, where it is whole.
fn attested_id(response: &Value) -> Option<String> {
    let data = response["response"]["authenticatorData"].as_str()?;
    let data = bytes(data.trim_end_matches('='));
    let length = usize::from(u16::from_be_bytes(data.get(LENGTH)?.try_into().ok()?));
    Some(base64url(data.get(LENGTH.end..LENGTH.end + length)?))
}

impl Judge for Recorder {
    fn new(verifies: bool) -> Self {
        let (account, ids, steps) = (String::new(), Vec::new(), Vec::new());
        Self { asks: Strict::new(verifies), account, options: Value::Null, ids, steps }
    }

    fn begin_registration(&mut self, account: &str) -> Value {
        self.account = account.to_owned();
        self.options = self.asks.begin_registration(account);
        self.options.clone()
    }

    fn finish_registration(&mut self, response: &str) -> Verdict {
        let response = self.record("create", response);
        let id = attested_id(&response).unwrap_or_else(|| id_of(&response));
        self.ids.push((self.account.clone(), id));
        Ok(())
    }

    fn begin_sign_in(&mut self) -> Value {
        self.options = self.asks.begin_sign_in();
        self.options.clone()
    }

    fn finish_sign_in(&mut self, response: &str, _listed: bool) -> Verdict {
        self.record("get", response);
        Ok(())
    }

    fn credential(&self, account: &str) -> String {
        self.ids.iter().rfind(|(of, _)| of == account).unwrap().1.clone()
    }
}
