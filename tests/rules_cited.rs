//! docs/rules.md states every rule that code, tests and pages cite by its number, and what it says of where a rule is held
//! and by which tests it is shown is there.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/rules.md";

/// Where rules are cited. What is not there (yet, or any more) cites none.
const CITING: [&str; 12] = [
    "src",
    "domain",
    "entity",
    "migration",
    "tests",
    "test-support",
    "web/src",
    "web/e2e",
    "scripts",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
];

/// Folders of what others have written, or a program.
const NOT_OURS: [&str; 4] = ["node_modules", "target", "dist", "gql"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of this repository.
fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// All files at or below `path` with their texts; pictures and fonts have none.
fn texts(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    let name = path.file_name().unwrap_or_default();
    if path.is_dir() && !NOT_OURS.iter().any(|folder| name == *folder) {
        for entry in fs::read_dir(path).unwrap() {
            texts(&entry.unwrap().path(), found);
        }
    } else if path.is_file()
        && let Ok(text) = fs::read_to_string(path)
    {
        found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
    }
}

/// The rules that a text cites, each with its line: "rule 7", "Rules 7 and 13", "rules 4 to 10", also where a comment
/// goes on in its next line.
fn cited(text: &str) -> Vec<(usize, u32)> {
    let is_mark = |word: &&str| ["//", "///", "//!", "--", "#", "*", ">"].contains(word);
    let words: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .flat_map(|(at, line)| {
            let begins_with_mark = line.split_whitespace().next().is_some_and(|word| is_mark(&word));
            line.split_whitespace().skip(usize::from(begins_with_mark)).map(move |word| (at + 1, word))
        })
        .collect();
    let mut found = Vec::new();
    for (at, (line, word)) in words.iter().enumerate() {
        let following = words[at + 1..].iter().map(|(_, word)| *word);
        let numbers = match word.trim_start_matches(|c: char| !c.is_alphanumeric()) {
            "rule" | "Rule" => numbers(following.take(1)),
            "rules" | "Rules" => numbers(following),
            _ => continue,
        };
        found.extend(numbers.into_iter().map(|number| (*line, number)));
    }
    found
}

/// The numbers with which these words begin, as they are listed in a sentence.
fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let (mut found, mut is_range) = (Vec::new(), false);
    for word in words {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (number, rest) = word.split_at(digits);
        match (number.parse::<u32>(), word) {
            (Ok(number), _) => {
                let from = found.last().filter(|_| is_range).map_or(number, |last| last + 1);
                found.extend(from..=number);
                is_range = false;
                if !["", ","].contains(&rest) {
                    break;
                }
            }
            (Err(_), "to") if !found.is_empty() => is_range = true,
            (Err(_), "and" | "or") if !found.is_empty() => {}
            _ => break,
        }
    }
    found
}

/// A rule as the page has it: its lists, by what stands before the colon, each in one line.
type Lists = BTreeMap<String, String>;

/// The rules of the page, in their order.
fn stated(page: &str) -> Vec<(u32, Lists)> {
    let mut rules: Vec<(u32, Lists)> = Vec::new();
    let mut list: Option<String> = None;
    for line in page.lines() {
        if let Some(number) = line.strip_prefix("### Rule ") {
            rules.push((number.parse().unwrap(), Lists::new()));
        }
        let Some((_, lists)) = rules.last_mut() else { continue };
        if let Some((name, items)) = line.strip_prefix("- ").and_then(|line| line.split_once(": ")) {
            lists.insert(name.to_owned(), items.to_owned());
            list = Some(name.to_owned());
        } else if let (Some(name), Some(more)) = (&list, line.strip_prefix("  ")) {
            let items = lists.get_mut(name).unwrap();
            items.push(' ');
            items.push_str(more);
        } else {
            list = None;
        }
    }
    rules
}

/// What stands in code quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether there is such a module of a crate of this workspace, or of the server's own.
fn is_module(path: &str) -> bool {
    let mut names: Vec<_> = path.split("::").collect();
    let own = root().join(names[0]).join("src");
    let source = if own.is_dir() {
        names.remove(0);
        own
    } else {
        root().join("src")
    };
    let module = source.join(names.join("/"));
    module.with_extension("rs").is_file() || module.join("mod.rs").is_file()
}

/// What the two lists of a rule name and what is not there: modules that hold it, as `a::b`, or files, as `a/b.rs`; and by
/// whichever file it is shown, its tests behind it.
fn missing(lists: &Lists) -> Vec<String> {
    let named = |list: &str| lists.get(list).into_iter().flat_map(|items| quoted(items));
    let is_there = |name: &str| if name.contains('/') { root().join(name).exists() } else { is_module(name) };
    let mut missing: Vec<_> = named("Held by").filter(|name| !is_there(name)).map(str::to_owned).collect();
    let mut file = String::new();
    for name in named("Shown by") {
        let is_there = if name.contains('/') {
            file = fs::read_to_string(root().join(name)).unwrap_or_default();
            !file.is_empty()
        } else {
            file.contains(&format!("fn {name}("))
        };
        if !is_there {
            missing.push(name.to_owned());
        }
    }
    missing
}

#[test]
fn every_rule_that_is_cited_is_stated() {
    let rules = stated(&read(PAGE));
    let known = |number: &u32| rules.iter().any(|(rule, _)| rule == number);
    let mut files = Vec::new();
    for path in CITING {
        texts(&root().join(path), &mut files);
    }
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (file, text) in files {
        for (line, number) in cited(&text) {
            seen += 1;
            if !known(&number) {
                wrong.push(format!("{}:{line}: rule {number} is not in {PAGE}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // A reader that finds nothing would also find nothing wrong.
    assert!(seen > 150, "{seen} citations");
}

#[test]
fn what_the_page_names_is_there() {
    let page = read(PAGE);
    let rules = stated(&page);
    let numbers: Vec<_> = rules.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=27).collect::<Vec<_>>(), "each rule once, in order");
    let mut wrong = Vec::new();
    for (number, lists) in &rules {
        let needed = ["Held by", "Shown by"].into_iter().filter(|name| !lists.contains_key(*name));
        wrong.extend(needed.map(|name| format!("rule {number}: \"{name}\" is missing")));
        wrong.extend(missing(lists).into_iter().map(|name| format!("rule {number}: there is no {name}")));
    }
    let links = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let is_there = |link: &&str| root().join("docs").join(link).exists();
    wrong.extend(links.filter(|link| !is_there(link)).map(|link| format!("a link to {link}")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_way_to_cite_is_read() {
    let numbers = |text: &str| cited(text).into_iter().map(|(_, number)| number).collect::<Vec<_>>();
    assert_eq!(numbers("(rule 7) \"rule 11: sold twice\", Rule 5's"), [7, 11, 5]);
    assert_eq!(
        numbers("Rules 1, 2 and 16; rules 4 to 7, given; rules 9 or 3."),
        [1, 2, 16, 4, 5, 6, 7, 9, 3]
    );
    // The number of something else.
    assert_eq!(numbers("rule 12, 20 seconds later, and a rule of 3"), [12]);
    assert_eq!(cited("/// as rule\n    /// 9 says\n"), [(1, 9)]);
    assert_eq!(cited("-- a\n-- b (rules\n-- 4 and\n-- 5)\n"), [(2, 4), (2, 5)]);
}

#[test]
fn what_is_not_there_is_found_out() {
    let page = "### Rule 1\n\nText.\n\n- Held by: `domain::id`, `config`, `domain::nothing`, `migration::room`\n- Shown by: \
                `tests/rules_cited.rs` (`what_is_not_there_is_found_out`,\n  `what_is_there`), `tests/none.rs` (`a_b`)\n\
                - Not yet whole: `nothing` of it\n";
    let rules = stated(page);
    assert_eq!(rules.len(), 1);
    assert_eq!(missing(&rules[0].1), ["domain::nothing", "what_is_there", "tests/none.rs", "a_b"]);
}
