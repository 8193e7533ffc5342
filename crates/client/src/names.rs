//! Names for people, at the length that authenticators keep (WebAuthn L3 §6.4.1, string
//! truncation).

use towline_ctap::Transport;

/// So many bytes every authenticator keeps of a name; some refuse what is longer.
const KEPT: usize = 64;

/// The beginning of a name, of at most 64 bytes and whole characters. Phones and authenticators in
/// this device keep names of any length: they get all of it.
pub(crate) fn shorten<'a>(name: &'a str, transport: &Transport) -> &'a str {
    if name.len() <= KEPT || matches!(transport, Transport::Hybrid | Transport::Internal) {
        return name;
    }
    let ends = name.char_indices().map(|(start, _)| start);
    let end = ends.take_while(|end| *end <= KEPT).last().unwrap_or_default();
    name.get(..end).unwrap_or_default()
}
