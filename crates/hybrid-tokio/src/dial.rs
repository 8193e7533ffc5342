//! TCP to a host with several addresses: "happy eyeballs" (RFC 8305) in its simplest form.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::net::TcpStream;
use towline_hybrid::tunnel::ConnectFailure;

/// The head start of an address over the next one (RFC 8305 §5, "Connection Attempt Delay").
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first address that answers.
pub(crate) async fn tcp(addresses: &[SocketAddr]) -> Result<TcpStream, ConnectFailure> {
    let connect = |address| async move {
        TcpStream::connect(address).await.map_err(|error| failure_of(address, &error))
    };
    let stream = first(addresses, connect).await?;
    // Small messages that wait for answers: Nagle's algorithm would only add delay.
    let _slower = stream.set_nodelay(true);
    Ok(stream)
}

/// The first success; the other attempts are dropped. An address gets its turn when the one before
/// has failed or has had its head start.
async fn first<T, F: Future<Output = Result<T, ConnectFailure>>>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, ConnectFailure> {
    let mut failure = ConnectFailure::Network("there is no address".to_owned());
    let mut attempts = FuturesUnordered::new();
    let mut addresses = interleaved(addresses).into_iter();
    loop {
        attempts.extend(addresses.next().map(&connect));
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(refused)) => failure = refused,
                None => return Err(failure),
            },
            () = tokio::time::sleep(HEAD_START), if addresses.len() > 0 => {}
        }
    }
}

fn failure_of(address: SocketAddr, error: &io::Error) -> ConnectFailure {
    match error.kind() {
        io::ErrorKind::TimedOut => ConnectFailure::TimedOut,
        kind => ConnectFailure::Network(format!("{kind} at {address}")),
    }
}

/// IPv6 and IPv4 in turn, beginning with the family of the best address (RFC 8305 §4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let best_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (best, other): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == best_is_ipv6);
    let mut other = other.into_iter();
    let mut ordered = Vec::with_capacity(addresses.len());
    for address in best {
        ordered.push(address);
        ordered.extend(other.next());
    }
    ordered.extend(other);
    ordered
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// What an address does: answer after so many milliseconds, refuse after so many, or nothing at
    /// all.
    #[derive(Clone, Copy)]
    enum Host {
        Answers(u64),
        Refuses(u64),
        Silent,
    }
    use Host::{Answers, Refuses, Silent};

    fn address(number: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, u8::try_from(number).unwrap()], 443))
    }

    /// Which host was connected, after how many milliseconds, and when each was tried.
    async fn run(hosts: &[Host]) -> (Result<usize, ConnectFailure>, u128, Vec<u128>) {
        let addresses: Vec<_> = (0..hosts.len()).map(address).collect();
        let (start, tried) = (Instant::now(), RefCell::new(Vec::new()));
        let connected = first(&addresses, |wanted| {
            tried.borrow_mut().push(start.elapsed().as_millis());
            let number = addresses.iter().position(|address| *address == wanted).unwrap();
            async move {
                match hosts[number] {
                    Answers(time) => sleep(Duration::from_millis(time)).await,
                    Refuses(time) => {
                        sleep(Duration::from_millis(time)).await;
                        return Err(failure_of(wanted, &io::ErrorKind::ConnectionRefused.into()));
                    }
                    Silent => std::future::pending().await,
                }
                Ok(number)
            }
        })
        .await;
        (connected, start.elapsed().as_millis(), tried.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_its_head_start_and_no_more() {
        assert_eq!(run(&[Silent, Answers(10)]).await, (Ok(1), 260, vec![0, 250]));
        let (connected, took, tried) = run(&[Silent, Silent, Answers(10), Silent]).await;
        assert_eq!((connected, took, tried), (Ok(2), 510, vec![0, 250, 500]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_gives_way_at_once() {
        assert_eq!(run(&[Refuses(5), Answers(10)]).await, (Ok(1), 15, vec![0, 5]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win_while_others_are_tried() {
        assert_eq!(run(&[Answers(300), Silent]).await, (Ok(0), 300, vec![0, 250]));
        assert_eq!(run(&[Answers(400), Refuses(10)]).await, (Ok(0), 400, vec![0, 250]));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_refuse_it_is_a_network_failure_that_names_the_address() {
        let (refused, took, _) = run(&[Refuses(5), Refuses(300), Refuses(5)]).await;
        let said = "connection refused at 192.0.2.1:443".to_owned();
        assert_eq!(refused, Err(ConnectFailure::Network(said)));
        assert_eq!(took, 305);
        assert!(matches!(run(&[]).await.0, Err(ConnectFailure::Network(_))));
    }

    #[test]
    fn families_take_turns_beginning_with_the_best() {
        let parse = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let wanted = parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleaved(&given), wanted);
        let given = parse(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
        assert_eq!(interleaved(&given), given);
        assert_eq!(interleaved(&[]), []);
    }
}
