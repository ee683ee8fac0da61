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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_already_is_left_alone() {
        let (soft, _) = rlimit::Resource::NOFILE.get().unwrap();
        assert_eq!(raise(1), soft);
        assert_eq!(rlimit::Resource::NOFILE.get().unwrap().0, soft);
    }
}
