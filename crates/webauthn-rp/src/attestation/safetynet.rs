//! `android-safetynet` (§8.5): a signed answer of Google's service, which has ended; what it said
//! stays.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use towline_ctap::algorithm;

use super::judge::{About, Flaw, Statement, Verdict, ensure};

/// The service, as the one name of its certificate.
const HOST: &[u8] = b"\x30\x14\x82\x12attest.android.com";

pub(super) fn check(about: &About<'_>, statement: &Statement<'_>) -> Verdict {
    const UNREADABLE: Flaw = Flaw::Wrong("its answer can't be read");
    ensure(statement.ver.is_some(), "a member is missing")?;
    let response = statement.response.and_then(|response| str::from_utf8(response).ok());
    let (input, signature) = response.and_then(|it| it.rsplit_once('.')).ok_or(UNREADABLE)?;
    let (header, payload) = input.split_once('.').ok_or(UNREADABLE)?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| UNREADABLE);
    let json = |text: &str| serde_json::from_slice::<Value>(&bytes(text)?).map_err(|_| UNREADABLE);
    let (header, payload, signature) = (json(header)?, json(payload)?, bytes(signature)?);
    let member = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    ensure(member(&header, "alg") == "RS256", "its answer is signed otherwise")?;
    let x5c = member(&header, "x5c");
    let x5c = x5c.as_array().ok_or(UNREADABLE)?.iter().map(|it| it.as_str().unwrap_or_default());
    let x5c = x5c.map(|it| STANDARD.decode(it).map_err(|_| UNREADABLE));
    let x5c = x5c.collect::<Result<Vec<_>, _>>()?;
    let x5c: Vec<&[u8]> = x5c.iter().map(Vec::as_slice).collect();
    let chain = about.chain(&x5c)?;
    let leaf = chain.first().ok_or(UNREADABLE)?;
    leaf.check_signature(algorithm::RS256, input.as_bytes(), &signature, about.provider)?;
    let nonce = about.provider.sha256.hash(&[about.auth_data, about.hash]);
    let same = member(&payload, "nonce") == STANDARD.encode(nonce);
    ensure(same, "its answer is for another registration")?;
    let whole = member(&payload, "ctsProfileMatch") == true;
    ensure(whole, "the device is not as its maker has made it")?;
    let host = leaf.extension("2.5.29.17").is_some_and(|(_, value)| value == HOST);
    ensure(host, "the certificate is none of the service")?;
    about.check_chain(&chain)
}
