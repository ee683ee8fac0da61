//! Who may work on a SQLite database: one process. Each would have dates of its own in memory, and would not hear of what
//! others commit.
//!
//! A claim is a lock of the operating system on a file beside the database, which is gone with the process, however it
//! ends. Over PostgreSQL any number of processes work side by side, and nobody claims anything.

use std::{
    fmt,
    fs::{File, TryLockError},
    path::PathBuf,
};

use crate::{
    files,
    store::{Database, connect},
};

/// Why there is no claim.
#[derive(Debug)]
pub enum Unclaimed {
    /// Another process has it.
    Taken,
    /// The lock could not even be asked for.
    Failed(String),
}

impl fmt::Display for Unclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str(
                "another Frontrow process works on this database, and on SQLite there may be only one; several share a \
                 PostgreSQL (--database-url)",
            ),
            Self::Failed(why) => write!(f, "the database cannot be claimed: {why}"),
        }
    }
}

impl std::error::Error for Unclaimed {}

/// The right to work on a database. Over when it is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct Claim {
    /// `None` where nobody has to be kept out.
    _locked: Option<File>,
}

impl Database {
    /// Claims the database for this process.
    ///
    /// # Errors
    /// [`Unclaimed`], in a sentence for the operator.
    pub fn claim(&self) -> Result<Claim, Unclaimed> {
        if self.is_shared() {
            return Ok(Claim { _locked: None });
        }
        // A database in memory has no file: nobody else can see it.
        let Some(database) = connect::file(&self.url.0).map_err(failed)? else {
            return Ok(Claim { _locked: None });
        };
        let mut path = database.into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let in_the_file = |error| failed(format!("{}: {error}", path.display()));
        let file = files::open_private(&path).map_err(in_the_file)?;
        match file.try_lock() {
            Ok(()) => Ok(Claim { _locked: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Unclaimed::Taken),
            Err(TryLockError::Error(error)) => Err(in_the_file(error)),
        }
    }
}

fn failed(error: impl fmt::Display) -> Unclaimed {
    Unclaimed::Failed(error.to_string())
}
