//! What the values of flags look like, and what is said where they look otherwise.

use std::net::SocketAddr;

use towline_ctap::Aaguid;
use url::Url;

/// An address or a name, and a port; what the name stands for is looked up later.
pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    let known = text.parse::<SocketAddr>().is_ok();
    let named = text.rsplit_once(':').is_some_and(|(host, port)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        !host.is_empty() && host.chars().all(plain) && port.parse::<u16>().is_ok()
    });
    if known || named {
        Ok(text.to_owned())
    } else {
        Err("it looks like localhost:8080, 127.0.0.1:8080 or [::1]:8080".into())
    }
}

/// Where a simulated air is.
pub(super) fn udp_addr(text: &str) -> Result<SocketAddr, String> {
    let wanted = || "it looks like udp:127.0.0.1:4434".to_owned();
    let addr: SocketAddr =
        text.strip_prefix("udp:").ok_or_else(wanted)?.parse().map_err(|_| wanted())?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err("a simulated Bluetooth stays on this machine: use 127.0.0.1 or [::1]".into())
    }
}

/// Where a tunnel service is.
pub(super) fn relay_url(text: &str) -> Result<Url, String> {
    let wanted = || "it looks like wss://relay.example or ws://127.0.0.1:4433".to_owned();
    let url = Url::parse(text).map_err(|_| wanted())?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !bare || !anonymous || url.host().is_none() {
        return Err(wanted());
    }
    match url.scheme() {
        "wss" => Ok(url),
        "ws" if is_on_this_machine(&url) => Ok(url),
        "ws" => Err("without TLS only a relay on this machine is used; use wss://".into()),
        _ => Err(wanted()),
    }
}

/// Where an authority is.
pub(super) fn authority_url(text: &str) -> Result<Url, String> {
    let wanted = || "it looks like https://ca.example/tpm or http://127.0.0.1:8088/".to_owned();
    let url = Url::parse(text).map_err(|_| wanted())?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        "https" if anonymous && url.host().is_some() => Ok(url),
        "http" if anonymous && is_on_this_machine(&url) => Ok(url),
        "http" => {
            Err("without TLS only an authority on this machine is asked; use https://".into())
        }
        _ => Err(wanted()),
    }
}

fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A UUID, as people write it.
pub(crate) fn aaguid(text: &str) -> Result<Aaguid, String> {
    let digits = text.replace('-', "");
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let number = u128::from_str_radix(&digits, 16).ok();
    match number.filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        Some(number) if digits.len() == 32 && matches!(groups[..], [32] | [8, 4, 4, 4, 12]) => {
            Ok(Aaguid::new(number.to_be_bytes()))
        }
        _ => Err("it looks like 00112233-4455-6677-8899-aabbccddeeff".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aaguid_is_a_uuid() {
        let id = "d548826e-79b4-db40-a3d8-11116f7e8349";
        assert_eq!(aaguid(id).unwrap().to_string(), id);
        assert_eq!(aaguid(&id.replace('-', "").to_uppercase()).unwrap().to_string(), id);
        for bad in ["", "d548826e", &id[1..], &id.replace('d', "+"), &id.replace("-79", "7-9")] {
            assert!(aaguid(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_relay_on_this_machine_goes_without_tls() {
        for good in [
            "wss://relay.example",
            "wss://10.0.0.1:444/",
            "ws://localhost:1",
            "ws://127.0.0.1:1",
            "ws://[::1]:1",
        ] {
            assert!(relay_url(good).is_ok(), "{good}");
        }
        for bad in [
            "ws://relay.example",
            "ws://10.0.0.1",
            "https://relay.example",
            "relay.example",
            "wss://",
            "wss://a@b",
            "wss://b/cable/new",
            "wss://b/?x",
            "",
        ] {
            assert!(relay_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_an_authority_on_this_machine_goes_without_tls() {
        for good in ["https://ca.example/tpm?x=1", "http://localhost:1/", "http://[::1]:1/ca"] {
            assert!(authority_url(good).is_ok(), "{good}");
        }
        for bad in ["http://ca.example/", "ftp://ca.example/", "https://a@ca.example/", "ca", ""] {
            assert!(authority_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_site_listens_at_a_name_or_an_address() {
        for good in ["localhost:8080", "127.0.0.1:0", "[::1]:8080"] {
            assert!(host_and_port(good).is_ok(), "{good}");
        }
        for bad in
            ["", "8080", ":8080", "localhost", "localhost:", "localhost:99999", "a b:1", "::1:1"]
        {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_simulated_air_stays_on_this_machine() {
        assert!(udp_addr("udp:127.0.0.1:4434").is_ok());
        for bad in
            ["127.0.0.1:4434", "udp:10.0.0.1:4434", "udp:127.0.0.1", "tcp:127.0.0.1:1", "udp:"]
        {
            assert!(udp_addr(bad).is_err(), "{bad}");
        }
    }
}
