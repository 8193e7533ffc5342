//! Pages under test: the script that takes the place of `navigator.credentials`, and the messages
//! by which it reaches a session.
//!
//! The script keeps the shapes of Web IDL, and knows what only a page can know: who calls, in which
//! frame, with which signal. Whatever is a matter of origins, RP IDs, options and authenticators is
//! decided here. It comes by HTTP from the page itself, with the origin that the browser says; or
//! through a function that whoever drives the browser has bound, and then that program says it.

mod answer;
mod message;
mod under_way;

use std::fmt::Write as _;

use serde::Serialize;

pub(crate) use self::under_way::UnderWay;
pub use self::{
    answer::{Exception, PageAnswer},
    message::Message,
};

/// The parts of the script, in their order.
const PARTS: [&str; 10] = [
    include_str!("../assets/page/originals.js"),
    include_str!("../assets/page/transport.js"),
    include_str!("../assets/page/web_idl.js"),
    include_str!("../assets/page/options.js"),
    include_str!("../assets/page/shapes.js"),
    include_str!("../assets/page/interfaces.js"),
    include_str!("../assets/page/frames.js"),
    include_str!("../assets/page/ceremonies.js"),
    include_str!("../assets/page/statics.js"),
    include_str!("../assets/page/container.js"),
];

/// A function without arguments, to be evaluated in a page where nothing may connect to the service
/// and no function can be bound, by somebody who carries each call to the service and back.
///
/// It leaves `towline.asked()`, which lists the calls that wait, with the origin, the options and
/// the mediation for `begin_create` or `begin_get` of a session; and
/// `towline.answer(RESPONSE, ID)`, which settles one of them: with RegistrationResponseJSON or
/// AuthenticationResponseJSON, or with `{ error: "NotAllowedError" }`. Without `ID` that is the
/// newest that is not conditional.
/// Time-outs are not kept, as whoever carries calls is slow.
pub const BY_HAND: &str = include_str!("../assets/page/by_hand.js");

/// How the script reaches the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// By HTTP: this address takes its messages. It holds the key of a session.
    Endpoint(String),
    /// Through a function of the window of this name, which takes a message as JSON text and
    /// promises the answer as JSON text. For pages whose content security policy forbids
    /// connections.
    Binding(String),
}

/// The script for a page: to be its first, or injected before all of its own.
///
/// It does nothing on pages that are no secure contexts, and nothing the second time.
#[must_use]
pub fn script(way: &Way) -> String {
    // Any string of JSON is one of JavaScript; `<` would end the element of a script in a page.
    let config = serde_json::to_string(way).unwrap_or_default().replace('<', "\\u003c");
    let mut script = String::with_capacity(PARTS.iter().map(|part| part.len()).sum());
    script.push_str("(() => {\n\"use strict\";\n");
    script.push_str("const installed = Symbol.for(\"towline virtual authenticator\");\n");
    script.push_str("if (!window.isSecureContext || window[installed]) return;\n");
    script.push_str("Object.defineProperty(window, installed, { value: true });\n");
    // A `String` takes everything.
    let _always = writeln!(script, "const config = {config};");
    for part in PARTS {
        script.push_str(part);
    }
    script.push_str("})();\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_an_address_cannot_leave_its_text() {
        let written = script(&Way::Binding("a\"; alert(1) //</script>".to_owned()));
        assert!(written.contains(r#"{"binding":"a\"; alert(1) //\u003c/script>"}"#), "{written}");
        assert!(!written.contains("</script"));
    }
}
