//! How pages come to use the authenticators.

use serde_json::{Value, json};
use towline_virtual_server::page::{self, Way};

use super::desk::put;

/// For pages that may connect to the service, at this address.
pub(super) fn connected(page: &str, text: bool) -> Value {
    let address = format!("{page}/script.js");
    let mut json = json!({
        "scriptUrl": address,
        "element": format!("<script src=\"{address}\"></script>"),
        "evaluate": format!(
            "() => new Promise((done, failed) => {{ const script = \
             document.createElement('script'); script.src = '{address}'; script.onload = () => \
             done('passkeys are simulated here'); script.onerror = () => failed(new \
             Error('the content security policy of the page forbids it: call page_script \
             with byHand')); \
             document.head.append(script); }})"
        ),
    });
    if text {
        put(&mut json, "text", page::script(&Way::Endpoint(page.to_owned())));
    }
    json
}

/// For pages that may connect to nothing.
pub(super) fn by_hand() -> Value {
    // An agent copies it: without indentation, and what is for readers.
    let lines = page::BY_HAND.lines().map(str::trim).filter(|line| !line.starts_with(['/', '*']));
    json!({
        "evaluate": format!("({})()", lines.collect::<Vec<_>>().join("\n")),
        "next": [
            "evaluate it in the page whose button asks for the passkey, as soon as it is open; it \
             can be an init script of every page instead, which also hears what pages ask for when \
             they open (autofill), and what they ask the browser about itself",
            "click the site's button (also one that says that this device can't), then evaluate \
             towline.asked(): each call that waits has its `id`, the `tool` to call and its \
             `arguments`",
            "call that tool, then evaluate towline.answer(RESPONSE) with the member `response` of \
             its result, or towline.answer({error: 'NotAllowedError'}) with the name that its error \
             begins with; a second argument is the id, where several calls wait",
        ],
    })
}
