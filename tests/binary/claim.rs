//! Two processes on the data of one.

use test_support::{
    Process,
    process::{audit_is_clean, err, identity, run},
};

#[test]
fn a_second_server_on_the_same_data_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(folder.path(), &[]);
    let second = run(folder.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1), "{}", err(&second));
    assert!(
        err(&second).contains("frontrow: another Frontrow process works on this database"),
        "{}",
        err(&second)
    );
    // What only looks, or only migrates, may do so beside a server.
    audit_is_clean(folder.path());
    identity(folder.path(), "olga", "ORGANIZER");
    assert!(run(folder.path(), &["migrate"]).status.success());

    first.victim().kill();
    let next = Process::start(folder.path(), &[]);
    next.terminate();
    assert!(next.ended().0.success());
    drop(Process::start(folder.path(), &[]));
}
