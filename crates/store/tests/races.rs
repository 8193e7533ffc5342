//! Programs that want the same store at the same moment: one has it, the others are told which one
//! that is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use towline_crypto::Secret;
use towline_store::{Error, KeySource, Store};

const CHILD: &str = "TOWLINE_RACES_STORE";
const ROUNDS: usize = 40;
const RACERS: usize = 4;

fn main() {
    if let Some(path) = env::var_os(CHILD) {
        return race(Path::new(&path));
    }
    let directory = env::temp_dir().join(format!("towline-races-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    for round in 0..ROUNDS {
        // In every other round it is there already.
        let path = directory.join(format!("passkeys-{}", round / 2));
        let (mut winners, mut told) = (Vec::new(), Vec::new());
        let mut racers: Vec<(Child, String)> =
            (0..RACERS).map(|_| (racer(&path), String::new())).collect();
        for (child, _) in &mut racers {
            // All of them are up; now they may start.
            child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
        for (child, said) in &mut racers {
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(said).unwrap();
        }
        for (child, said) in &racers {
            match said.trim().split_once(' ') {
                Some(("has", "it")) => winners.push(child.id()),
                Some(("told", by)) => told.push(by.to_owned()),
                _ => panic!("{said:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {racers:?}");
        let winner = winners[0].to_string();
        assert!(told.iter().all(|by| *by == winner || by == "unknown"), "{told:?}, not {winner}");
        for (mut child, _) in racers {
            // The end of its input ends it.
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success());
        }
        let _ = fs::remove_file(path.with_extension("pid"));
        Store::open(&path, &source(), &towline_crypto::rustcrypto::provider())
            .expect("it is whole");
        fs::remove_file(directory.join(format!("passkeys-{}.pid", round / 2))).unwrap();
    }
    fs::remove_dir_all(&directory).unwrap();
    println!("{ROUNDS} races of {RACERS} were won by one each\n\n1 passed, 0 failed");
}

fn source() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

fn racer(path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .env(CHILD, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Opens the store, or makes it, and keeps it until the input ends.
fn race(path: &Path) {
    let provider = towline_crypto::rustcrypto::provider();
    std::io::stdin().read_exact(&mut [0]).unwrap();
    let mut had = Store::open(path, &source(), &provider);
    if let Err(Error::Missing(_)) = had {
        had = Store::create(path, &source(), &provider);
    }
    if let Err(Error::Exists(_)) = had {
        had = Store::open(path, &source(), &provider);
    }
    match &had {
        Ok(_) => println!("has it"),
        Err(Error::InUse { by }) => {
            println!("told {}", by.map_or_else(|| "unknown".to_owned(), |by| by.to_string()));
        }
        Err(error) => panic!("{error}"),
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
