//! What stands before everything else on a connection of a proxy: any bytes are answered, however
//! they are cut, and nothing beyond the header is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_rendezvous::{MAX_PROXY_HEADER, ProxyHeader};

fuzz_target!(|bytes: &[u8]| {
    // As the relay reads it: no more than is missing, and byte by byte.
    let (mut received, mut dribbled) = (0, 0);
    let whole = loop {
        match ProxyHeader::read(&bytes[..received]) {
            Ok(ProxyHeader::Missing(missing)) => {
                assert!(missing > 0 && received + missing <= MAX_PROXY_HEADER);
                if received + missing > bytes.len() {
                    break None;
                }
                received += missing;
            }
            end => break Some(end),
        }
    };
    let slowly = loop {
        match ProxyHeader::read(&bytes[..dribbled]) {
            Ok(ProxyHeader::Missing(_)) if dribbled < bytes.len() => dribbled += 1,
            Ok(ProxyHeader::Missing(_)) => break None,
            end => break Some(end),
        }
    };
    if whole.is_some() {
        assert_eq!(whole, slowly);
        assert!(dribbled <= received);
    }
});
