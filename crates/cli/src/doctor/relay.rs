//! Whether the relay can be reached, and what its clock says about ours.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use towline::transport::why_not_trusted;
use url::{Host, Url};

use super::Finding;
use crate::{args, event::Outcome, network};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is looked at, in bytes.
const ANSWER_MAX: u64 = 16_384;
/// Certificates and the age of codes bear this much.
const SKEW_MAX: Duration = Duration::from_secs(120);

/// The checks of the relay and the clock.
pub(super) async fn check(args: &args::Network, tls: Option<ClientConfig>) -> Vec<Finding> {
    let Some(url) = &args.relay else {
        return vec![
            Finding::new("relay", Outcome::NotChecked, "name one with --relay"),
            Finding::new(
                "clock",
                Outcome::NotChecked,
                "it is compared with the relay's: name one with --relay",
            ),
        ];
    };
    let asked = SystemTime::now();
    match head(url, args, tls).await {
        Ok(head) => vec![
            Finding::new("relay", Outcome::Good, format!("{url} answers")),
            clock(head.date, asked),
        ],
        Err(what) => vec![
            Finding::new("relay", Outcome::Bad, format!("{url}: {what}")),
            Finding::new("clock", Outcome::NotChecked, "there was no answer to compare it with"),
        ],
    }
}

fn clock(date: Option<SystemTime>, asked: SystemTime) -> Finding {
    let Some(date) = date else {
        return Finding::new(
            "clock",
            Outcome::NotChecked,
            "the relay does not say what time it is",
        );
    };
    let skew =
        date.duration_since(asked).or_else(|_| asked.duration_since(date)).unwrap_or(Duration::MAX);
    if skew <= SKEW_MAX {
        Finding::new("clock", Outcome::Good, format!("within {} s of the relay's", skew.as_secs()))
    } else {
        let message =
            format!("{} s away from the relay's; set this machine's clock", skew.as_secs());
        Finding::new("clock", Outcome::Bad, message)
    }
}

/// What is of interest in an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: String,
    date: Option<SystemTime>,
}

async fn head(url: &Url, args: &args::Network, tls: Option<ClientConfig>) -> Result<Head, String> {
    let host = url.host().ok_or("there is no host in the URL")?;
    let port = url.port_or_known_default().ok_or("there is no port in the URL")?;
    let name = match &host {
        Host::Domain(name) => (*name).to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    };
    let stream = timed("connect", TcpStream::connect((name.as_str(), port))).await?;
    let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
    if url.scheme() != "wss" {
        return ask(stream, &authority).await;
    }
    let config = tls.ok_or("TLS can't be checked without roots")?;
    let name = network::tls_name(args, &name).map_err(|failure| failure.message)?;
    let stream =
        timed("make TLS", TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
    ask(stream, &authority).await
}

/// Asks for the page `/`, which opens nothing.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    authority: &str,
) -> Result<Head, String> {
    let request = format!("GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    timed("send", stream.write_all(request.as_bytes())).await?;
    let mut answer = Vec::new();
    // An end without TLS's goodbye is no matter here.
    let read = timed("get an answer", stream.take(ANSWER_MAX).read_to_end(&mut answer)).await;
    parse(&answer).ok_or_else(|| {
        read.err().unwrap_or_else(|| "what answers is not a relay: it does not speak HTTP".into())
    })
}

async fn timed<T>(what: &str, step: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("can't {what}: {}", why_not_trusted(&error))),
        Err(_) => Err(format!("can't {what}: no answer within {} s", PATIENCE.as_secs())),
    }
}

fn parse(answer: &[u8]) -> Option<Head> {
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..)?.trim();
    status.get(..3)?.parse::<u16>().ok()?;
    let date = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("date"))
        .and_then(|(_, value)| httpdate::parse_http_date(value.trim()).ok());
    Some(Head { status: status.to_owned(), date })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_and_the_date_are_read() {
        let head = parse(b"HTTP/1.1 404 Not Found\r\nDATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
            .unwrap();
        assert_eq!(head.status, "404 Not Found");
        assert_eq!(head.date, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)));
    }

    #[test]
    fn a_date_in_the_body_does_not_count() {
        let head =
            parse(b"HTTP/1.1 200 OK\r\n\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n").unwrap();
        assert_eq!(head.date, None);
    }

    #[test]
    fn what_is_not_http_is_not_taken_for_a_relay() {
        for answer in [
            &b""[..],
            b"SSH-2.0-x\r\n",
            b"HTTP/2 200\r\n",
            b"HTTP/1.1 abc\r\n",
            b"HTTP/1.",
            b"\xff\xff",
        ] {
            assert_eq!(parse(answer), None, "{answer:?}");
        }
    }

    #[test]
    fn a_clock_that_is_far_off_is_bad_in_both_directions() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(clock(Some(now + Duration::from_secs(120)), now).outcome, Outcome::Good);
        assert_eq!(clock(Some(now + Duration::from_secs(121)), now).outcome, Outcome::Bad);
        assert_eq!(clock(Some(now - Duration::from_secs(121)), now).outcome, Outcome::Bad);
        assert_eq!(clock(None, now).outcome, Outcome::NotChecked);
    }
}
