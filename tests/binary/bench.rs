//! The benchmark that needs the binary itself as its server.

use test_support::process::{err, out, run};

#[test]
fn a_fan_may_wait_for_several_dates_over_one_socket() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["bench", "fans", "--fans", "6", "--per-socket", "3", "--per-second", "20", "--seconds", "30"];
    let output = run(folder.path(), &arguments);
    // Whether the aim is met says something of this machine only.
    let found: Vec<Vec<&str>> = out(&output).lines().map(|line| line.split_whitespace().collect()).collect();
    for line in [
        vec!["sockets,", "one", "a", "fan", "6"],
        vec!["open", "subscriptions", "18"],
        vec!["admitted", "18"],
    ] {
        assert!(found.contains(&line), "{line:?} in {}{}", out(&output), err(&output));
    }
}
