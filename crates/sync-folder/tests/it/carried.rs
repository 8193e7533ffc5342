//! Two folders and a tool that carries files between them, not all of them and not in order.

use super::*;

/// Carries what the one has and the other has not, and no deletion. Every `skipped`th file is left
/// for the next time.
fn carry(from: &Path, to: &Path, skipped: usize) {
    for (place, file) in files(from).into_iter().enumerate() {
        let target = to.join(&file);
        if !target.exists() && (skipped == 0 || place % skipped != 0) {
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(&file), target).unwrap();
        }
    }
}

#[test]
fn two_folders_and_a_tool_that_loses_and_repeats() {
    let crypto = rustcrypto::provider();
    let (left, right) = (Directory::new(), Directory::new());
    let mut first = begin(&crypto).0;
    let mut second = join(&crypto, &mut first);
    let (at_left, at_right) =
        (Folder::open(&left.0, first.id()).unwrap(), Folder::open(&right.0, first.id()).unwrap());
    for record in 1..=6 {
        make(if record % 2 == 0 { &mut first } else { &mut second }, record);
        assert!(sync(&mut first, &at_left).is_empty());
        assert!(sync(&mut second, &at_right).is_empty());
        // Some of it, then older files again: deletions are not carried at all.
        carry(&left.0, &right.0, 1 + usize::from(record) % 3);
        carry(&right.0, &left.0, 2);
    }
    for _ in 0..3 {
        carry(&left.0, &right.0, 0);
        carry(&right.0, &left.0, 0);
        assert!(sync(&mut first, &at_left).is_empty());
        assert!(sync(&mut second, &at_right).is_empty());
    }
    assert!((1..=6).all(|record| has(&first, record) && has(&second, record)));
}

#[test]
fn conflicted_copies_and_other_files_are_left_alone() {
    let crypto = rustcrypto::provider();
    let directory = Directory::new();
    let (mut first, _) = begin(&crypto);
    let folder = Folder::open(&directory.0, first.id()).unwrap();
    make(&mut first, 1);
    sync(&mut first, &folder);
    for file in files(&directory.0) {
        let path = directory.0.join(file);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for other in [
            format!("{name} (conflicted copy 2026-11-30)"),
            format!("{name}.sync-conflict-20261130-101500-ABCDEFG"),
            format!(".syncthing.{name}.tmp"),
        ] {
            fs::write(path.with_file_name(other), b"not ours").unwrap();
        }
    }
    fs::write(directory.0.join("desktop.ini"), b"not ours").unwrap();
    let before = files(&directory.0);
    let mut second = join(&crypto, &mut first);
    assert!(sync(&mut first, &folder).is_empty());
    assert!(sync(&mut second, &folder).is_empty() && has(&second, 1));
    let foreign = |files: &[PathBuf]| {
        files.iter().filter(|file| fs::read(directory.0.join(file)).unwrap() == b"not ours").count()
    };
    assert_eq!(foreign(&files(&directory.0)), foreign(&before));
    assert_eq!(Folder::circles(&directory.0).unwrap(), [first.id()]);
}

#[test]
fn with_the_keys_on_paper_and_the_folder_all_is_read() {
    let crypto = rustcrypto::provider();
    let directory = Directory::new();
    let (mut first, paper) = begin(&crypto);
    make(&mut first, 1);
    let folder = Folder::open(&directory.0, first.id()).unwrap();
    sync(&mut first, &folder);
    drop((first, folder));
    let [circle] = Folder::circles(&directory.0).unwrap()[..] else { panic!("one circle") };
    let folder = Folder::open(&directory.0, circle).unwrap();
    let before = files(&directory.0);
    let mut paper = Circle::recover(crypto, CircleConfig::default(), paper, circle, now());
    assert!(sync(&mut paper, &folder).is_empty());
    assert!(has(&paper, 1));
    assert_eq!(files(&directory.0), before, "paper writes nothing");
}
