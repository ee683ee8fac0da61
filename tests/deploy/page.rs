//! docs/deploy.md against the source: words that an operator looks for must be the words that are said.

use std::{fs, path::Path};

use crate::compose::{Compose, file, strings};

/// Every source file under a folder, in one text.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all += &fs::read_to_string(&path).unwrap();
        }
    }
    all
}

#[test]
fn the_log_says_what_the_page_says_that_it_says() {
    let (page, source) =
        (file("docs/deploy.md"), sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    let (_, table) = page.split_once("| In the log |").unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let cell = row.split('|').nth(1).unwrap();
        for words in cell.split('`').skip(1).step_by(2) {
            assert!(source.contains(&format!("\"{words}\"")), "nothing logs {words:?}");
        }
    }
}

#[test]
fn the_settings_on_the_page_are_those_of_the_file() {
    let page = file("docs/deploy.md");
    let words = strings(&Compose::any().service("postgres")["command"]);
    for setting in words.iter().filter(|word| word.contains('=')) {
        assert!(page.contains(&format!("`{setting}`")), "{setting}");
    }
    let variables = crate::compose::example();
    let named = |name: &&String| name.ends_with("_FILE");
    for variable in variables.iter().filter(named) {
        assert!(page.contains(&format!("`{variable}=")), "{variable}");
    }
}
