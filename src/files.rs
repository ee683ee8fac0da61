//! Files and folders that are for their owner alone. What others may do with one is Unix's to say; on other systems
//! nothing is done here, and the folder's own settings count.
//!
//! What Frontrow makes is private from its first moment. What an earlier version or somebody's hand has left open is
//! closed at the start, if it is ours, and told.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// What others than its owner may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Others {
    /// Its permissions, as `chmod` takes them.
    pub mode: u32,
    /// May read it.
    pub read: bool,
    /// May change it: not where it is mounted to be read only.
    pub write: bool,
}

/// How to open a file that is private if it is new.
#[must_use]
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opens a file to lock it, made if it is missing, private either way.
///
/// # Errors
/// If it cannot be opened or made.
pub fn open_private(path: &Path) -> io::Result<File> {
    let file = private().create(true).truncate(false).write(true).open(path)?;
    close_file(path);
    Ok(file)
}

/// Makes a folder for its owner alone, with the folders above it that are missing.
///
/// # Errors
/// If it cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Makes the folder if it is missing, and closes it to others, with everything in it but `except`: that has a check of
/// its own. What belongs to somebody else stays as it is, and links are not followed out of the folder.
///
/// # Errors
/// A sentence for the operator: it cannot be made, or is one that others use as well.
pub fn own_folder(path: &Path, except: &Path) -> Result<(), String> {
    let shown = path.display();
    make_folder(path).map_err(|error| format!("the folder {shown} cannot be made: {error}"))?;
    system::close_folder(path, except)
}

/// Closes a file of ours to others, wherever a link of this name may lead.
pub fn close_file(path: &Path) {
    system::close_file(path);
}

/// Makes a SQLite database private before SQLite opens it, with what stands beside it; what SQLite makes later gets the
/// permissions of the database.
pub fn own_database(path: &Path) {
    // Where it cannot be made, SQLite says so.
    drop(private().create_new(true).write(true).open(path));
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        close_file(&PathBuf::from(name));
    }
}

/// What others may do with a file; `None` where the system does not tell.
///
/// # Errors
/// If it cannot be looked at.
pub fn others(path: &Path) -> io::Result<Option<Others>> {
    system::others(path)
}

/// Everything that this process makes from now on is private, by whichever library. For the beginning of a program:
/// threads share it.
pub fn make_all_private() {
    system::make_all_private();
}

#[cfg(unix)]
mod system {
    use std::{
        fs::{Metadata, Permissions},
        io,
        os::unix::fs::{MetadataExt, PermissionsExt},
        path::Path,
    };

    use rustix::{
        fs::{Mode, StatVfsMountFlags},
        process::{geteuid, umask},
    };

    use super::Others;

    /// The permissions of everybody but the owner.
    const OTHERS: u32 = 0o077;
    const STICKY: u32 = 0o1000;

    pub(super) fn make_all_private() {
        umask(Mode::from_raw_mode(OTHERS));
    }

    pub(super) fn others(path: &Path) -> io::Result<Option<Others>> {
        let mode = std::fs::metadata(path)?.mode() & 0o7777;
        let read_only =
            || rustix::fs::statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
        Ok(Some(Others { mode, read: mode & 0o044 != 0, write: mode & 0o022 != 0 && !read_only() }))
    }

    pub(super) fn close_file(path: &Path) {
        close(path, std::fs::metadata(path));
    }

    pub(super) fn close_folder(path: &Path, except: &Path) -> Result<(), String> {
        let shown = path.display();
        let found =
            std::fs::metadata(path).map_err(|error| format!("the folder {shown} cannot be read: {error}"))?;
        if found.mode() & STICKY != 0 {
            return Err(format!(
                "the folder {shown} is one that others use as well (its sticky bit is set); name one for Frontrow \
                 alone, such as {}",
                path.join("frontrow").display()
            ));
        }
        if found.uid() == geteuid().as_raw() {
            close(path, Ok(found));
        } else if found.mode() & 0o022 != 0 {
            let (mode, owner) = (found.mode() & 0o7777, found.uid());
            tracing::warn!(
                "the folder {shown} belongs to another user ({owner}), and others can write to it (mode {mode:04o}): \
                 they could put other files in place of Frontrow's"
            );
        }
        close_within(path, except);
        Ok(())
    }

    fn close_within(folder: &Path, except: &Path) {
        // What cannot be listed cannot be closed; whoever needs it says what is wrong.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path == except {
                continue;
            }
            // Links are not followed here.
            close(&path, std::fs::symlink_metadata(&path));
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                close_within(&path, except);
            }
        }
    }

    /// Takes from others what they may do with a file or folder of ours.
    ///
    /// By its name and not opened: who closes a file gives up all locks that the process has on it, and SQLite's are of
    /// that kind. Nobody can put something else there meanwhile, because the folder is closed first.
    fn close(path: &Path, found: io::Result<Metadata>) {
        let Ok(found) = found else { return };
        let mode = found.mode() & 0o7777;
        if !is_file_or_folder(&found) || found.uid() != geteuid().as_raw() || mode & OTHERS == 0 {
            return;
        }
        let shown = path.display();
        // Nothing of ours is to be run.
        let private = if found.is_dir() { 0o700 } else { 0o600 };
        match std::fs::set_permissions(path, Permissions::from_mode(mode & private)) {
            Ok(()) => tracing::warn!("{shown} was open to other users (mode {mode:04o}) and is not any more"),
            Err(error) => {
                tracing::warn!(
                    "{shown} is open to other users (mode {mode:04o}) and cannot be closed: {error}"
                );
            }
        }
    }

    fn is_file_or_folder(found: &Metadata) -> bool {
        found.is_file() || found.is_dir()
    }
}

#[cfg(not(unix))]
mod system {
    use std::{io, path::Path};

    use super::Others;

    pub(super) fn make_all_private() {}

    pub(super) fn others(_: &Path) -> io::Result<Option<Others>> {
        Ok(None)
    }

    pub(super) fn close_file(_: &Path) {}

    pub(super) fn close_folder(_: &Path, _: &Path) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn file(path: &Path, of: u32) {
        fs::write(path, "x").unwrap();
        set(path, of);
    }

    #[test]
    fn a_folder_is_closed_with_all_that_is_in_it_and_nothing_that_is_not() {
        let outside = tempfile::tempdir().unwrap();
        let elsewhere = outside.path().join("elsewhere");
        file(&elsewhere, 0o644);
        let folder = outside.path().join("data");
        fs::create_dir(&folder).unwrap();
        set(&folder, 0o755);
        fs::create_dir(folder.join("inner")).unwrap();
        set(&folder.join("inner"), 0o775);
        for (name, of) in [("a", 0o777), ("inner/b", 0o640), ("c", 0o600), ("key", 0o644), ("d", 0o400)] {
            file(&folder.join(name), of);
        }
        symlink(&elsewhere, folder.join("link")).unwrap();
        symlink("nowhere", folder.join("broken")).unwrap();
        own_folder(&folder, &folder.join("key")).unwrap();
        let found =
            ["", "inner", "a", "inner/b", "c", "key", "d", "link"].map(|name| mode(&folder.join(name)));
        assert_eq!(found, [0o700, 0o700, 0o600, 0o600, 0o600, 0o644, 0o400, 0o644]);
    }

    #[test]
    fn a_folder_of_everybody_is_nobodys_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), 0o1777);
        let refused = own_folder(folder.path(), Path::new("")).unwrap_err();
        assert!(refused.contains("sticky"), "{refused}");
        assert_eq!(mode(folder.path()), 0o1777);
    }

    #[test]
    fn what_is_made_is_private_from_the_start_also_by_way_of_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/y/z");
        own_folder(&path, Path::new("")).unwrap();
        assert_eq!(["x", "x/y", "x/y/z"].map(|name| mode(&folder.path().join(name))), [0o700; 3]);
        open_private(&path.join("lock")).unwrap();
        own_database(&path.join("db"));
        assert_eq!((mode(&path.join("lock")), mode(&path.join("db"))), (0o600, 0o600));
        // The database itself may be elsewhere: that is asked for by name.
        file(&path.join("real"), 0o644);
        symlink(path.join("real"), path.join("linked")).unwrap();
        own_database(&path.join("linked"));
        assert_eq!(mode(&path.join("real")), 0o600);
    }

    #[test]
    fn what_others_may_do_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (of, read, write) in [
            (0o600, false, false),
            (0o400, false, false),
            (0o440, true, false),
            (0o444, true, false),
            (0o604, true, false),
            (0o622, false, true),
            (0o666, true, true),
        ] {
            file(&path, of);
            assert_eq!(others(&path).unwrap(), Some(Others { mode: of, read, write }));
            fs::remove_file(&path).unwrap();
        }
        assert!(others(&path).is_err());
    }
}
