//! The four verbs, on files that are whole, torn, strange or missing.

use super::*;

const CIRCLE: ObjectHash = ObjectHash([7; 16]);
const NAME: StoreName = StoreName::Membership(ObjectHash([1; 16]));

fn place(directory: &Directory, name: &str) -> PathBuf {
    directory.0.join("07".repeat(16)).join(name)
}

#[test]
fn an_object_is_there_after_it_was_put_and_gone_after_it_was_deleted() {
    let directory = Directory::new();
    let folder = Folder::open(&directory.0, CIRCLE).unwrap();
    assert_eq!((folder.list().unwrap(), folder.get(NAME).unwrap()), (vec![], None));
    folder.put(NAME, b"bytes").unwrap();
    folder.put(NAME, b"bytes").unwrap();
    assert_eq!(folder.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
    assert_eq!(folder.list().unwrap(), [NAME.to_string()]);
    folder.delete(NAME).unwrap();
    folder.delete(NAME).unwrap();
    assert_eq!((folder.list().unwrap(), folder.get(NAME).unwrap()), (vec![], None));
}

#[test]
fn what_was_torn_is_written_again_whole() {
    let directory = Directory::new();
    let folder = Folder::open(&directory.0, CIRCLE).unwrap();
    folder.put(NAME, b"bytes").unwrap();
    fs::write(place(&directory, &NAME.to_string()), b"byt").unwrap();
    folder.put(NAME, b"bytes").unwrap();
    assert_eq!(folder.get(NAME).unwrap().as_deref(), Some(&b"bytes"[..]));
    assert_eq!(files(&directory.0).len(), 1, "nothing is left under another name");
}

#[test]
fn what_is_too_long_or_no_file_is_not_read() {
    let directory = Directory::new();
    let folder = Folder::open(&directory.0, CIRCLE).unwrap();
    folder.put(NAME, &vec![1; NAME.limit() + 1]).unwrap();
    assert_eq!(folder.get(NAME).unwrap(), None);
    let other = StoreName::Epoch(ObjectHash([2; 16]));
    fs::create_dir_all(place(&directory, &other.to_string())).unwrap();
    assert_eq!(folder.get(other).unwrap(), None);
    assert!(folder.put(other, b"bytes").is_err() && folder.delete(other).is_err());
    #[cfg(unix)]
    {
        let link = StoreName::Epoch(ObjectHash([3; 16]));
        std::os::unix::fs::symlink("/dev/zero", place(&directory, &link.to_string())).unwrap();
        assert_eq!(folder.get(link).unwrap(), None);
    }
    // A file where a folder would be.
    fs::write(place(&directory, "s"), b"").unwrap();
    assert!(folder.list().is_ok());
    assert!(folder.put(StoreName::Segment(towline_sync::DeviceId([1; 16]), CIRCLE), b"").is_err());
}

#[test]
fn what_a_crash_left_is_cleared_away_when_it_is_old() {
    let directory = Directory::new();
    let folder = Folder::open(&directory.0, CIRCLE).unwrap();
    folder.put(NAME, b"bytes").unwrap();
    let (old, new) = (place(&directory, "m/.1-1.towline"), place(&directory, "m/.1-2.towline"));
    for path in [&old, &new] {
        fs::write(path, b"half").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    drop(Folder::open(&directory.0, CIRCLE).unwrap());
    assert!(!old.exists() && new.exists());
}

/// A full disk, a folder that is gone: the machine tries again, and nothing is lost.
#[test]
fn where_the_folder_can_not_be_written_all_is_kept_for_later() {
    let crypto = rustcrypto::provider();
    let directory = Directory::new();
    let (mut first, _) = begin(&crypto);
    let folder = Folder::open(&directory.0, first.id()).unwrap();
    let circle = fs::read_dir(&directory.0).unwrap().next().unwrap().unwrap().path();
    fs::remove_dir_all(&circle).unwrap();
    fs::write(&circle, b"in the way").unwrap();
    make(&mut first, 1);
    sync(&mut first, &folder);
    assert!(first.is_on_this_device_only());
    fs::remove_file(&circle).unwrap();
    sync(&mut first, &folder);
    assert!(!first.is_on_this_device_only());
    let mut second = join(&crypto, &mut first);
    sync(&mut second, &folder);
    assert!(has(&second, 1));
}

/// Of a segment a part can be written and then no more, as on a disk that is full. Under a limit
/// for the length of files, since a disk can't be filled here.
#[cfg(unix)]
#[test]
fn a_disk_that_gets_full_in_the_middle_of_a_file_leaves_no_part_of_it() {
    const LIMITED: &str = "TOWLINE_TEST_FILES_ARE_SHORT";
    if std::env::var_os(LIMITED).is_none() {
        let name = "files::a_disk_that_gets_full_in_the_middle_of_a_file_leaves_no_part_of_it";
        let limited = std::process::Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; ulimit -f 16; exec "$0" --exact "$1""#])
            .arg(std::env::current_exe().unwrap())
            .arg(name)
            .env(LIMITED, "yes")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&limited.stdout);
        assert!(limited.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let crypto = rustcrypto::provider();
    let directory = Directory::new();
    let (mut first, _) = begin(&crypto);
    let folder = Folder::open(&directory.0, first.id()).unwrap();
    sync(&mut first, &folder);
    let before = files(&directory.0);
    let large = Content::new(vec![1; 40_000]);
    first.make([1; 16], &large, &large, now()).unwrap();
    sync(&mut first, &folder);
    assert!(first.is_on_this_device_only() && has(&first, 1));
    assert_eq!(files(&directory.0), before, "nothing of it, and no head that names it");
}
