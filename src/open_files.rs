//! How many files, sockets among them, this process may have open at once.

/// Raises the limit to `wanted` as far as the system lets us, and says what it is now. Child processes inherit it.
#[must_use]
pub fn raise(wanted: u64) -> u64 {
    let Ok((soft, hard)) = rlimit::Resource::NOFILE.get() else { return wanted };
    if soft >= wanted {
        return soft;
    }
    // The hard limit moves up only for the privileged; without them the soft one moves up to it.
    if hard < wanted && rlimit::Resource::NOFILE.set(wanted, wanted).is_ok() {
        return wanted;
    }
    rlimit::increase_nofile_limit(wanted).unwrap_or(soft)
}

/// What a process opens beside connections: the database (17 to PostgreSQL; 16 to SQLite with three files each), Redis,
/// listening, logging, and what a library may need for a moment.
const BESIDE: u64 = 160;

/// With fewer connections than this there is nothing to serve.
const LEAST: u64 = 64;

/// How many connections there is room for, if so many are wanted and `spare` others are kept beside them.
///
/// # Errors
/// A sentence for the operator if there is no room worth the name.
pub fn connections(wanted: usize, spare: usize) -> Result<usize, String> {
    let limit = rlimit::Resource::NOFILE.get().map_or(u64::MAX, |(soft, _)| soft);
    within(limit, wanted, spare)
}

fn within(limit: u64, wanted: usize, spare: usize) -> Result<usize, String> {
    let room = limit.saturating_sub(BESIDE + spare as u64);
    if room < LEAST {
        let least = BESIDE + spare as u64 + LEAST;
        return Err(format!(
            "only {limit} files may be open, and a server needs {least}: raise it with `ulimit -n`"
        ));
    }
    Ok(wanted.min(usize::try_from(room).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(within(1_000_000, 100_000, 64), Ok(100_000));
        assert_eq!(within(1_024, 100_000, 64), Ok(800));
        assert_eq!(within(288, 100_000, 64), Ok(64));
        assert!(within(287, 100_000, 64).unwrap_err().contains("ulimit -n"));
    }

    #[test]
    fn what_is_allowed_already_is_left_alone() {
        let (soft, _) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(raise(1), soft);
        assert_eq!(rlimit::Resource::NOFILE.get().unwrap().0, soft);
    }
}
