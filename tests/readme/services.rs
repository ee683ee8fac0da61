//! What `scripts/with-services` says where PostgreSQL and Redis are missing and it cannot install them.

use std::{env, fs, os::unix::fs::symlink, path::Path, process::Command};

/// The programs that it needs to get as far as that. Without apt-get nobody installs anything, not even root.
const PROGRAMS: [&str; 7] = ["bash", "chmod", "dirname", "mktemp", "realpath", "rm", "sort"];

#[test]
fn whoever_lacks_the_services_is_told_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let path = env::var_os("PATH").unwrap();
    for name in PROGRAMS {
        let mut found = env::split_paths(&path).map(|folder| folder.join(name));
        symlink(found.find(|program| program.is_file()).unwrap(), folder.path().join(name)).unwrap();
    }
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/with-services"));
    command
        .args(["bash", "-c", "echo the tests run"])
        .env("PATH", folder.path())
        .env("TMPDIR", folder.path());
    command.env_remove("FRONTROW_TEST_DATABASE_URL").env_remove("FRONTROW_TEST_REDIS_URL");
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "the tests need PostgreSQL and Redis: apt-get install postgresql redis-server\n");
    // And it leaves nothing behind.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), PROGRAMS.len());
}
