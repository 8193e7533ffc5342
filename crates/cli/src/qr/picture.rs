//! The file that shows a code: whoever reads it and is near can act as the phone.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher as _, RandomState},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// A picture on the disk. It is removed when this is dropped, unless it is to be
/// [kept](Self::keep), or something else has taken its place.
#[derive(Debug)]
pub(crate) struct Picture {
    path: PathBuf,
    file: Identity,
    keep: bool,
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(Option<(u64, u64)>);

impl Picture {
    /// Writes a new file, for its owner only, and puts it in the place of the one that is there, if
    /// that is of the same owner.
    pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<Self> {
        // Nobody can have put something there beforehand.
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{:016x}.part", RandomState::new().hash_one(path)));
        let part = Path::new(&part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(part)?;
        let written = file
            .write_all(content)
            .and_then(|()| take_the_place(path, part, &file))
            .and_then(|()| file.metadata());
        match written {
            Ok(metadata) => {
                Ok(Self { path: path.to_owned(), file: identity(&metadata), keep: false })
            }
            Err(error) => {
                // Whatever went wrong before matters more than a left-over file.
                let _ = fs::remove_file(part);
                Err(error)
            }
        }
    }

    /// It stays: it was asked for by itself.
    pub(crate) fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let ours = |metadata: fs::Metadata| identity(&metadata) == self.file;
        if !self.keep && fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn take_the_place(path: &Path, part: &Path, file: &File) -> io::Result<()> {
    #[cfg(unix)]
    if let Ok(there) = fs::symlink_metadata(path) {
        let owner = |metadata: &fs::Metadata| std::os::unix::fs::MetadataExt::uid(metadata);
        if owner(&there) != owner(&file.metadata()?) {
            return Err(io::Error::other("there is a file of somebody else"));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
    fs::rename(part, path)
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity(Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {
    Identity(None)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("towline-picture-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_picture_is_for_its_owner_only_and_is_gone_when_the_code_is_over() {
        let directory = Directory::new("owner");
        let path = directory.0.join("code.png");
        fs::write(&path, "an older one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let picture = Picture::write(&path, b"secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        drop(picture);
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
        Picture::write(&path, b"secret").unwrap().keep();
        assert!(path.exists());
    }

    #[test]
    fn what_a_link_points_at_is_left_alone() {
        let directory = Directory::new("link");
        let (path, other) = (directory.0.join("code.png"), directory.0.join("other"));
        fs::write(&other, "mine").unwrap();
        symlink(&other, &path).unwrap();
        let picture = Picture::write(&path, b"secret").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        drop(picture);
        assert_eq!(fs::read(&other).unwrap(), b"mine");
    }

    #[test]
    fn a_file_that_took_the_place_of_the_picture_is_not_removed() {
        let directory = Directory::new("other");
        let path = directory.0.join("code.png");
        let picture = Picture::write(&path, b"secret").unwrap();
        let other = Picture::write(&path, b"another").unwrap();
        drop(picture);
        assert_eq!(fs::read(&path).unwrap(), b"another");
        drop(other);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let directory = Directory::new("stranger");
        let path = directory.0.join("code.png");
        fs::write(&path, "theirs").unwrap();
        // Only root can give a file away; others have nothing to try this with.
        if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
            Picture::write(&path, b"secret").unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), b"theirs");
            assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
        }
    }
}
