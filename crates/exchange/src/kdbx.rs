//! What a KeePass database (KDBX 3 or 4) wants to be spent on its passphrase. Its outer header says
//! so, which anybody can write: nothing is verified before that work is done.

/// The most memory, in bytes: 1 GiB.
const MEMORY: u64 = 1 << 30;
/// The most memory times its iterations: half a minute or so.
const FILLED: u64 = 64 << 30;
/// The most lanes of Argon2, each of which is a thread.
const LANES: u64 = 64;
/// The most rounds of AES: a few seconds.
const ROUNDS: u64 = 100_000_000;

/// The least that Argon2 fills in an iteration, in bytes.
const LEAST: u64 = 8 << 10;

/// Why a KeePass database is not opened.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeePassWork {
    /// Its passphrase takes more memory than is spent on a file of others, in MiB.
    #[error(
        "its passphrase takes {0} MiB of memory, and at most 1024 are spent on a file of others"
    )]
    Memory(u64),
    /// Its passphrase takes more time, or more threads, than are spent on a file of others.
    #[error("its passphrase takes more time than this program spends on a file of others")]
    Time,
    /// Its header is none of a version that is known here.
    #[error("its header is damaged, or of another version than KDBX 3 and 4")]
    Header,
}

/// Whether the work that a KeePass database asks for has bounds: at most 1 GiB of memory, 64 GiB
/// filled in all iterations, 64 threads and 100 million rounds of AES. To be asked before the
/// database is opened.
///
/// # Errors
/// [`KeePassWork`], also where the header is not whole.
pub fn check_keepass_work(database: &[u8]) -> Result<(), KeePassWork> {
    let work = Work::read(database).ok_or(KeePassWork::Header)?;
    if work.memory > MEMORY {
        return Err(KeePassWork::Memory(work.memory.div_ceil(1 << 20)));
    }
    let filled = work.memory.max(LEAST).saturating_mul(work.iterations);
    if filled > FILLED || work.lanes > LANES || work.rounds > ROUNDS {
        return Err(KeePassWork::Time);
    }
    Ok(())
}

/// What is asked for; where it is there twice, the most, since readers differ in which they take.
#[derive(Default)]
struct Work {
    memory: u64,
    iterations: u64,
    lanes: u64,
    rounds: u64,
}

impl Work {
    /// `None` where the header is not whole, or a number in it has another length than its kind.
    fn read(database: &[u8]) -> Option<Self> {
        // Two signatures, and the version.
        let ([.., low, high], mut rest) = database.split_first_chunk::<12>()?;
        let major = u16::from_le_bytes([*low, *high]);
        let mut work = Self::default();
        loop {
            let (kind, value) = match major {
                3 => (byte(&mut rest)?, short(&mut rest)?),
                4 => (byte(&mut rest)?, long(&mut rest)?),
                _ => return None,
            };
            match (major, kind) {
                (_, 0) => return Some(work),
                (3, 6) => work.rounds = work.rounds.max(u64::from_le_bytes(value.try_into().ok()?)),
                (4, 11 | 12) => work.read_dictionary(value)?,
                // Compression, and the cipher inside.
                (_, 3) | (3, 10) if value.len() != 4 => return None,
                _ => {}
            }
        }
    }

    /// That of the key derivation; another one has other names.
    fn read_dictionary(&mut self, mut rest: &[u8]) -> Option<()> {
        let version: [u8; 2];
        (version, rest) = rest.split_first_chunk().map(|(version, rest)| (*version, rest))?;
        if version != [0, 1] {
            return None;
        }
        loop {
            let kind = byte(&mut rest)?;
            if kind == 0 {
                return rest.is_empty().then_some(());
            }
            let (name, value) = (long(&mut rest)?, long(&mut rest)?);
            let number = match kind {
                4 | 12 => u32::from_le_bytes(value.try_into().ok()?).into(),
                5 | 13 => u64::from_le_bytes(value.try_into().ok()?),
                _ => continue,
            };
            let most = match name {
                b"M" => &mut self.memory,
                b"I" => &mut self.iterations,
                b"P" => &mut self.lanes,
                b"R" => &mut self.rounds,
                _ => continue,
            };
            *most = number.max(*most);
        }
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

/// Bytes with their length before them, of two bytes.
fn short<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (value, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
    *rest = after;
    Some(value)
}

/// The same, of four bytes.
fn long<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (value, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(value)
}
