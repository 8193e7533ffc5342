//! How contestants are timed: in one run, in turns, in an order that is shuffled for each round, by
//! the processor time of the thread.

use std::{
    hint::black_box,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

/// How long a batch runs at least, in seconds.
const BATCH: f64 = 0.002;

/// Somebody who does the same work as the others.
pub struct Contestant {
    pub name: String,
    /// Does it so many times, and tells the seconds that the thread has spent on a processor.
    work: Box<dyn FnMut(u32) -> f64>,
}

impl Contestant {
    pub fn new<T>(name: impl Into<String>, mut work: impl FnMut() -> T + 'static) -> Self {
        let timed = move |times| {
            let start = spent();
            for _ in 0..times {
                black_box(work());
            }
            spent() - start
        };
        Self { name: name.into(), work: Box::new(timed) }
    }

    /// One that runs, and takes its time, elsewhere.
    pub fn elsewhere(name: impl Into<String>, work: impl FnMut(u32) -> f64 + 'static) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// Contestants at one piece of work. The first is the floor: what cannot be left out.
pub struct Group {
    pub title: &'static str,
    /// What the work is, and what is worth knowing of the contestants.
    pub about: &'static str,
    pub contestants: Vec<Contestant>,
}

/// What came out for one contestant.
pub struct Row {
    pub name: String,
    /// Seconds for one: the lower quartile, the median, the upper quartile.
    pub time: [f64; 3],
    /// The median of the rounds' ratios to the floor.
    pub to_floor: f64,
}

/// So many rounds of all contestants.
pub fn race(group: &mut Group, rounds: usize) -> Vec<Row> {
    let batches: Vec<u32> = group.contestants.iter_mut().map(calibrate).collect();
    let mut times = vec![Vec::with_capacity(rounds); batches.len()];
    let mut order: Vec<usize> = (0..batches.len()).collect();
    let mut random = Shuffle::new();
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let total = (group.contestants[index].work)(batches[index]);
            times[index].push(total / f64::from(batches[index]));
        }
    }
    let floor = times[0].clone();
    let row = |(contestant, times): (&Contestant, Vec<f64>)| {
        let ratios = times.iter().zip(&floor).map(|(time, floor)| time / floor).collect();
        let [_, to_floor, _] = quartiles(ratios);
        Row { name: contestant.name.clone(), time: quartiles(times), to_floor }
    };
    group.contestants.iter().zip(times).map(row).collect()
}

fn calibrate(contestant: &mut Contestant) -> u32 {
    let mut times = 1;
    while (contestant.work)(times) < BATCH {
        times *= 2;
    }
    times
}

pub fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|n| values[(values.len() - 1) * n / 4])
}

/// The seconds that this thread has spent on a processor.
fn spent() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// SplitMix64, which is random enough for an order.
struct Shuffle(u64);

impl Shuffle {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(now.as_nanos() as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
