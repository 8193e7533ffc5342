//! Writes the seeds of the target `joining`:
//! `cargo run --manifest-path fuzz/Cargo.toml --example joining_seeds`.

use std::{fs, path::Path};

use towline_crypto_test::fake;
use towline_fuzz::joining::run;
use towline_sync::PaperKey;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One side after the other hears what waits for it, and both persons agree.
    let round = [piece(3, &[]), piece(5, &[]), piece(2, &[]), piece(2, &[]), piece(4, &[])];
    let whole = round.concat().repeat(6);
    let pair = run(&whole);
    assert_eq!(pair.joined, 1, "{} messages", pair.said.len());
    save("whole", &whole)?;
    // The same with the messages in it, to be changed; and each alone.
    let mut written = Vec::new();
    for (number, (seat, message)) in pair.said.iter().enumerate() {
        let seat = u8::try_from(*seat)?;
        let one = [piece(seat, message), piece(seat + 4, &[])].concat();
        save(&format!("message_{number}"), &one)?;
        written.extend(one);
    }
    assert_eq!(run(&written).joined, 1);
    save("written", &written)?;
    save("no", &[round.concat(), piece(5, &[0])].concat())?;
    save("late", &[round.concat(), piece(6, &[3]), piece(7, &[3])].concat())?;
    save("closed", &[round.concat(), piece(8, &[]), piece(9, &[])].concat())?;
    save("cancelled", &[piece(3, &[]), piece(11, &[]), piece(2, &[]), piece(2, &[])].concat())?;
    let paper = PaperKey::generate(&fake::provider(1))?;
    save("paper_words", &piece(99, paper.words().as_bytes()))?;
    save("paper_code", &piece(99, paper.code().as_bytes()))?;
    Ok(())
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&[kind], length.to_be_bytes().as_slice(), bytes].concat()
}

fn save(name: &str, seed: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/joining");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
