//! Writes the seeds of the target `sync`:
//! `cargo run --manifest-path fuzz/Cargo.toml --example sync_seeds`. Besides there is `record`, of
//! a version that kept a circle as one.

use std::{fs, path::Path};

use towline_crypto_test::fake;
use towline_fuzz::circle::{Objects, Rows, begin, drain, keys, kind, moment};
use towline_sync::{Circle, CircleConfig, Content, MemberKind, Register, StoreName};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Another copy of the device writes what the one in the target then finds.
    let (mut first, mut objects, mut kept) = begin();
    first.look_now(moment(1));
    let content = Content::new(b"content".to_vec());
    first.make([1; 16], &content, &content, moment(1))?;
    drain(&mut first, &mut objects, &mut kept, moment(1));
    save("rows", &rows(&kept))?;
    save("welcome", &piece(22, &first.welcome()))?;
    save("state", &piece(20, &first.state().to_bytes()))?;

    let config = CircleConfig::default();
    let mut copy = Circle::restore(fake::provider(3), config, keys(), &kept, moment(2))?;
    for (minutes, record) in [(3, 2), (4, 3), (5, 4)] {
        copy.make([record; 16], &content, &content, moment(minutes))?;
        copy.write([record; 16], Register::LargeBlob, &content, moment(minutes));
        copy.handle_timeout(moment(minutes));
        drain(&mut copy, &mut objects, &mut kept, moment(minutes));
    }
    save("deltas", &pieces(&objects))?;
    copy.bury([2; 16], moment(6));
    let keys = keys();
    let introduced = keys.introduce(Some(copy.id()), copy.device(), MemberKind::Device)?;
    copy.add(introduced, moment(6))?;
    drain(&mut copy, &mut objects, &mut kept, moment(6));
    save("deletion_and_member", &pieces(&objects))?;
    copy.remove(&[towline_sync::DeviceId([9; 16])].into(), moment(7))?;
    drain(&mut copy, &mut objects, &mut kept, moment(7));
    save("rows_after_a_removal", &rows(&kept))?;
    save("removal", &pieces(&objects))?;
    for name in objects.keys() {
        let one = Objects::from([(*name, objects.get(name).cloned().unwrap_or_default())]);
        save(&format!("one_{}", kind(name)), &pieces(&one))?;
    }
    let name = copy.id();
    save("name", &piece(99, StoreName::Membership(name).to_string().as_bytes()))?;
    Ok(())
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&[kind], length.to_be_bytes().as_slice(), bytes].concat()
}

/// The head comes last, which is when they are restored.
fn rows(kept: &Rows) -> Vec<u8> {
    let mut seed = Vec::new();
    for (key, value) in kept.iter().filter(|(key, _)| !key.is_empty()) {
        let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
        seed.extend(piece(23, &[&[length], key.as_slice(), value].concat()));
    }
    seed.extend(piece(21, kept.get(&[][..]).map_or(&[][..], |head| head)));
    seed
}

fn pieces(objects: &Objects) -> Vec<u8> {
    let number = |name: &StoreName| match name {
        StoreName::Head(_, number, _) => u8::try_from(*number).unwrap_or_default(),
        _ => 0,
    };
    objects.iter().flat_map(|(name, bytes)| piece(kind(name) + number(name), bytes)).collect()
}

fn save(name: &str, seed: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/sync");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
