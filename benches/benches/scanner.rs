//! Prints what a scan costs in a street full of foreign adverts, with 32 phones that may come.
//!
//!     cargo bench -p towline-benches --bench scanner
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, clippy::panic)]

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use towline_benches::hybrid::Adverts;
use towline_radio::air::{Air, Fate};
use towline_radio::{Advertiser as _, Scanner as _};

/// Phones that may come.
const PHONES: usize = 32;

/// Foreign adverts, each of them once in a millisecond: 10 000 a second.
const FOREIGN: u8 = 10;

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look is enough.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let time = Duration::from_millis(if measured { 5000 } else { 100 });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(street(time));
}

async fn street(time: Duration) {
    let adverts = Adverts::new(PHONES);
    let air = Air::with_interval(Duration::from_millis(1), |_| Fate::Deliver);
    let mut scan = air.radio().scan().await.unwrap();
    let mut on_air = Vec::new();
    for number in 0..FOREIGN {
        on_air.push(air.radio().advertise(&[number; 20]).await.unwrap());
    }
    let (start, before) = (Instant::now(), spent());
    let mut heard = 0_u32;
    while start.elapsed() < time {
        let sighting = scan.next().await.unwrap();
        assert_eq!(adverts.hear(&sighting.service_data), None);
        heard += 1;
    }
    let (elapsed, cpu) = (start.elapsed(), spent() - before);
    // The phone that comes at last is found at once.
    let _phone = air.radio().advertise(adverts.ours()).await.unwrap();
    let found = async {
        loop {
            if let Some(phone) = adverts.hear(&scan.next().await.unwrap().service_data) {
                return phone;
            }
        }
    };
    let come = Instant::now();
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), found).await.unwrap(), PHONES - 1);
    println!(
        "{:.0} adverts a second, {PHONES} phones: {:.0} % of one core, the simulated air included; the phone found in {:?}",
        f64::from(heard) / elapsed.as_secs_f64(),
        100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64(),
        come.elapsed(),
    );
}

/// What this thread has spent on a processor.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}
