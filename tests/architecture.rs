//! Who may import whom: `server -> graphql -> service -> sales -> { domain, store }`, `store -> { domain, entity }`. A layer
//! may also name the domain, whose types all speak; `domain`, `files` and `redis_url` import none of the others, `clock`
//! only the first, `config` only the last. Every file under `src` is read, its unit tests included. A room that is not in [`rule`]
//! fails: name it there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a room may import beside itself.
enum Rule {
    /// Puts the parts together: anything.
    All,
    /// These rooms only; `entity` is the workspace's crate of that name.
    Only(&'static [&'static str]),
}

fn rule(room: &str) -> Option<Rule> {
    Some(match room {
        "main" | "lib" | "cli" | "app" | "bench" | "demo" | "log" | "open_files" => Rule::All,
        // What the network takes is timed where it is waited for.
        "server" => Rule::Only(&["graphql", "service", "domain", "clock"]),
        "graphql" => Rule::Only(&["service", "domain"]),
        "service" => Rule::Only(&["domain", "sales", "store", "clock"]),
        "sales" => Rule::Only(&["domain", "store", "clock"]),
        "store" => Rule::Only(&["domain", "entity", "clock", "files", "redis_url"]),
        // What a Redis address looks like is one thing to know, for who checks it and for who connects by it.
        "config" => Rule::Only(&["redis_url"]),
        // What counts as an absence is a rule.
        "clock" => Rule::Only(&["domain"]),
        "domain" | "files" | "redis_url" => Rule::Only(&[]),
        _ => return None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    /// Any other character outside of comments and literals; `::` is one [`Token::Path`].
    Mark(char),
    Path,
}

/// The tokens of a source text with their line numbers; comments and literals are left out.
fn tokens(text: &str) -> Vec<(usize, Token<'_>)> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = if let Some(length) = skipped(rest) {
            length
        } else if word > 0 {
            found.push((line, Token::Word(&rest[..word])));
            word
        } else if rest.starts_with("::") {
            found.push((line, Token::Path));
            2
        } else {
            if !next.is_whitespace() {
                found.push((line, Token::Mark(next)));
            }
            next.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// How long the comment, literal or lifetime is with which this text begins.
fn skipped(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with("r#") && text[2..].starts_with(|c: char| c.is_alphabetic()) {
        return Some(2); // A raw identifier: the word behind it counts.
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|p| {
        let body = text.strip_prefix(p).unwrap_or_default();
        let hashes = if p.ends_with('r') { body.trim_start_matches('#') } else { body };
        hashes.starts_with('"')
    });
    if let Some(prefix) = prefix {
        return Some(string(text, prefix));
    }
    let body = text.strip_prefix('b').unwrap_or(text);
    body.starts_with('\'').then(|| text.len() - body.len() + quote(body))
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn string(text: &str, prefix: &str) -> usize {
    if prefix.ends_with('r') {
        let hashes = text[prefix.len()..].bytes().take_while(|b| *b == b'#').count();
        let start = prefix.len() + hashes + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        return text[start..].find(&end).map_or(text.len(), |at| start + at + end.len());
    }
    let start = prefix.len() + 1;
    escaped(&text[start..], '"').map_or(text.len(), |at| start + at)
}

/// A character, or a lifetime of which the quote alone is skipped.
fn quote(text: &str) -> usize {
    let mut inner = text[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => escaped(&text[1..], '\'').map_or(text.len(), |at| 1 + at),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}

/// Just behind the first `end` without a backslash.
fn escaped(text: &str, end: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == end {
            return Some(at + end.len_utf8());
        }
    }
    None
}

/// The rooms that a file names, with the lines; `*` stands for the whole crate. `depth`: how many modules the file
/// itself is below the crate's root, so that a chain of `super` cannot lead out unseen.
fn named(text: &str, depth: usize) -> Vec<(usize, String)> {
    let tokens = tokens(text);
    let token = |at: usize| tokens.get(at).map(|(_, token)| *token);
    let (mut found, mut braces, mut inline) = (Vec::new(), 0, Vec::new());
    let mut at = 0;
    while let Some(now) = token(at) {
        let continues = at > 0 && token(at - 1) == Some(Token::Path);
        match now {
            Token::Mark('{') => {
                if let (Some(Token::Word("mod")), Some(Token::Word(_))) =
                    (at.checked_sub(2).and_then(token), at.checked_sub(1).and_then(token))
                {
                    inline.push(braces);
                }
                braces += 1;
            }
            Token::Mark('}') => {
                braces -= 1;
                inline.pop_if(|opened| *opened == braces);
            }
            Token::Word("crate") if !continues => root_names(&tokens, at + 1, &mut found),
            Token::Word("super") if !continues => {
                let mut supers = 1;
                while (token(at + 1), token(at + 2)) == (Some(Token::Path), Some(Token::Word("super"))) {
                    (supers, at) = (supers + 1, at + 2);
                }
                if supers >= depth + inline.len() {
                    root_names(&tokens, at + 1, &mut found);
                }
            }
            Token::Word("entity") if !continues && token(at + 1) == Some(Token::Path) => {
                found.push((tokens[at].0, "entity".to_owned()));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// What follows the root of the crate, whose last token is just before `at`.
fn root_names(tokens: &[(usize, Token<'_>)], at: usize, found: &mut Vec<(usize, String)>) {
    let token = |at: usize| tokens.get(at).map(|(_, token)| *token);
    let line = tokens[at - 1].0;
    match (token(at), token(at + 1)) {
        (Some(Token::Path), Some(Token::Word(name))) => found.push((tokens[at + 1].0, name.to_owned())),
        (Some(Token::Path), Some(Token::Mark('{'))) => group(&tokens[at + 2..], found),
        (Some(Token::Path), _) | (Some(Token::Word("as")), _) => found.push((line, "*".to_owned())),
        // `pub(crate)`, `pub(super)`.
        _ => {}
    }
}

/// The first name of each branch of `{ … }`, whose opening brace is just before these tokens.
fn group(tokens: &[(usize, Token<'_>)], found: &mut Vec<(usize, String)>) {
    let (mut braces, mut begins) = (1, true);
    for (line, token) in tokens {
        match token {
            Token::Mark('{') => braces += 1,
            Token::Mark('}') => braces -= 1,
            Token::Mark(',') if braces == 1 => begins = true,
            Token::Word("self") | Token::Mark('*') if begins => found.push((*line, "*".to_owned())),
            Token::Word(name) if begins => found.push((*line, (*name).to_owned())),
            _ => {}
        }
        begins &= matches!(token, Token::Mark(','));
        if braces == 0 {
            return;
        }
    }
}

/// The violations in one file, each as `file:line: what`; `file` is relative to `src`.
fn violations(file: &Path, text: &str) -> Vec<String> {
    let mut modules: Vec<_> =
        file.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let room = modules.first().cloned().unwrap_or_default();
    modules.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    let shown = |line, what: &str| format!("src/{}:{line}: {what}", file.display());
    let Some(rule) = rule(&room) else {
        return vec![shown(1, &format!("`{room}` has no rule; give it one in tests/architecture.rs"))];
    };
    let Rule::Only(allowed) = rule else { return Vec::new() };
    let names = named(text, modules.len()).into_iter();
    let wrong = names.filter(|(_, name)| *name != room && !allowed.contains(&name.as_str()));
    wrong.map(|(line, name)| shown(line, &format!("`{room}` may not import `{name}`"))).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_room_imports_only_what_it_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files).unwrap();
    files.sort();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in &files {
        let (file, text) = (path.strip_prefix(&src).unwrap(), fs::read_to_string(path).unwrap());
        seen += named(&text, file.iter().count()).len();
        wrong.extend(violations(file, &text));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // A reader that finds nothing would also find nothing wrong.
    assert!(files.len() > 40 && seen > 40, "{} files, {seen} imports", files.len());
}

/// A date is shown when it is complete: what may be shown is said once, and every read of dates goes through there.
#[test]
fn dates_are_read_in_one_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files).unwrap();
    let reads = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.contains("series::Entity::find") || text.contains("FROM series") || text.contains("JOIN series")
    };
    let mut readers: Vec<_> = files
        .iter()
        .filter(reads)
        .map(|path| path.strip_prefix(&src).unwrap().display().to_string())
        .collect();
    readers.sort();
    // The audit looks at everything. The journal's statements are fixed texts, and say themselves what may be shown.
    let journal = ["store/journal/logs.rs", "store/journal/open.rs"];
    let tests = "store/journal/tests/rows.rs";
    assert_eq!(readers, ["store/audit.rs", "store/building.rs", journal[0], journal[1], tests]);
    for file in journal {
        let text = fs::read_to_string(src.join(file)).unwrap();
        let reads = text.matches("FROM series").count() + text.matches("JOIN series").count();
        assert!(text.matches("stage = 'READY'").count() >= reads, "{file}: {reads} reads of series");
    }
}

fn wrong(file: &str, text: &str) -> Vec<String> {
    violations(Path::new(file), text)
}

#[test]
fn the_checker_finds_each_way_to_import() {
    let text = "use std::fmt;\nuse crate::store::Database;\nuse crate::{\n    domain::id,\n    service::{a, b},\n};\n\
                fn f() { crate::server::run(\"x\", 'x', &'x') }\n#[cfg(test)]\nmod tests {\n    \
                use super::super::graphql::code;\n    use super::sale;\n}\nuse super::clock;\nuse entity::seat;\n\
                use crate::*;\nuse crate as all;\nuse crate::{self as all, config};\n";
    let expected = [
        "2: `domain` may not import `store`",
        "5: `domain` may not import `service`",
        "7: `domain` may not import `server`",
        "10: `domain` may not import `graphql`",
        "13: `domain` may not import `clock`",
        "14: `domain` may not import `entity`",
        "15: `domain` may not import `*`",
        "16: `domain` may not import `*`",
        "17: `domain` may not import `*`",
        "17: `domain` may not import `config`",
    ];
    // As if it stood here: it is a crate of its own.
    assert_eq!(wrong("domain/mod.rs", text), expected.map(|line| format!("src/domain/mod.rs:{line}")));
}

#[test]
fn the_rule_is_the_one_that_was_agreed() {
    let rooms = [
        "server",
        "graphql",
        "service",
        "domain",
        "store",
        "clock",
        "config",
        "files",
        "redis_url",
        "entity",
    ];
    let text: String = rooms
        .iter()
        .map(|room| format!("use {}{room}::x;\n", if *room == "entity" { "" } else { "crate::" }))
        .collect();
    let may = |room: &str| {
        let wrong = wrong(&format!("{room}/x.rs"), &text).join("\n");
        let allowed =
            rooms.into_iter().filter(|other| *other != room && !wrong.contains(&format!("import `{other}`")));
        allowed.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(may("server"), "graphql service domain clock");
    assert_eq!(may("graphql"), "service domain");
    assert_eq!(may("service"), "domain store clock");
    assert_eq!(may("store"), "domain clock files redis_url entity");
    assert_eq!(
        ["domain", "clock", "config", "files", "redis_url"].map(may),
        ["", "domain", "redis_url", "", ""]
    );
    assert_eq!(may("app").split(' ').count(), rooms.len());
    assert_eq!(wrong("attic/x.rs", "").len(), 1, "a room without a rule is refused");
}

#[test]
fn comments_literals_and_inner_paths_are_not_imports() {
    let text = "//! See [`crate::store`].\n/* use crate::store; /* nested */ use crate::server; */\n\
                const A: &str = \"use crate::store;\\\" crate::server\";\n\
                const B: &str = r#\"use \"crate::store\"\"#;\nconst C: (char, char) = ('\"', '\\'');\n\
                pub(crate) fn f<'a>(x: &'a str) { self::entity::g(); other::store::h(); }\n\
                mod inner { pub(super) struct S; use super::f; mod deep { use super::super::f; } }\n";
    assert_eq!(wrong("domain/sale/mod.rs", text), [""; 0]);
    // After all of that the reader is still in step.
    let text = format!("{text}use crate::store;\n");
    assert_eq!(
        wrong("domain/sale/mod.rs", &text),
        ["src/domain/sale/mod.rs:8: `domain` may not import `store`"]
    );
}

/// The rules are a crate of their own, so that the compiler keeps them pure: nothing that waits, reads, writes or knows
/// the time can be reached from there, as long as no dependency brings it.
#[test]
fn the_rules_depend_on_nothing_that_has_effects() {
    const PURE: [&str; 14] = [
        "bytes",
        "chrono",
        "hashbrown",
        "hex",
        "hmac",
        "icu_casemap",
        "icu_normalizer",
        "icu_properties",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "unicode-security",
        "uuid",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("domain/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    let names: Vec<_> = dependencies.lines().filter_map(|line| line.split(['.', ' ']).next()).collect();
    assert_eq!(names, PURE);
}
