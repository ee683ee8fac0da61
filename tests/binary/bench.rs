//! The benchmarks that need the binary itself as their server.

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

#[test]
fn a_sale_is_measured_on_sqlite_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = ["--rounds", "1", "--fans", "20", "--joins", "20", "--seconds", "1", "--connections", "4"];
    // Memory is left out: it waits until the allocator has settled.
    let depth = ["--few", "10", "--many", "250", "--only", "sqlite", "--only", "depth"];
    let output = run(folder.path(), &[&["bench", "sale", "--json"][..], &sizes, &depth].concat());
    let report: serde_json::Value = serde_json::from_str(out(&output)).unwrap_or_default();
    let all = || format!("{}{}", out(&output), err(&output));
    let tickets = &report["tickets"][0];
    assert_eq!(
        (&tickets["of"], report["tickets"].as_array().unwrap().len()),
        (&"SQLite".into(), 1),
        "{}",
        all()
    );
    for figure in [
        &tickets["per_second"],
        &tickets["hold_ms"][0],
        &tickets["pay_ms"][1],
        &report["joins"][0]["beside_health"],
        &report["depth"][0]["per_second"][1],
    ] {
        assert!(figure["median"].as_f64().is_some_and(|figure| figure > 0.0), "{}", all());
    }
    // Whether the aims are met says something of this machine only; without a PostgreSQL there is nothing to multiply.
    assert!(tickets["beside_pgbench"].is_null(), "{}", all());
    assert_eq!(report["depth"][0]["sold"], serde_json::json!([10, 150]), "{}", all());
}

#[test]
fn a_sale_that_a_date_is_too_small_for_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["bench", "sale", "--fans", "50000"]);
    assert!(!output.status.success());
    assert!(err(&output).contains("a date has at most 100000 seats"), "{}", err(&output));
}

#[test]
fn reading_is_measured_beside_handlers_that_do_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let sizes =
        ["--rounds", "1", "--seconds", "1", "--connections", "4", "--waiting", "100", "--seats", "200"];
    let output = run(folder.path(), &[&["bench", "reads", "--json"][..], &sizes].concat());
    let report: serde_json::Value = serde_json::from_str(out(&output)).unwrap_or_default();
    let all = || format!("{}{}", out(&output), err(&output));
    let rows = report["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(rows.len(), 10, "{}", all());
    // Whether the aims are met says something of this machine only.
    for row in rows {
        let figures = ["per_second", "beside_health"].into_iter();
        let changing = (row["of"] != "`__typename`").then_some("changing_per_second");
        for figure in figures.chain(changing) {
            assert!(row[figure]["median"].as_f64().is_some_and(|figure| figure > 0.0), "{figure}: {}", all());
        }
    }
    assert!(rows[2]["beside_its_bytes"]["median"].is_number(), "{}", all());
}
