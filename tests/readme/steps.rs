//! Reads the steps of the journey in docs/api.md.

use serde_json::Value;

const API: &str = include_str!("../../docs/api.md");

/// One request of the journey.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// With its number.
    pub(crate) title: String,
    /// The document.
    pub(crate) document: String,
    /// With `<name>` where a kept value goes.
    pub(crate) variables: Value,
    /// The name of the kept value that is sent as the token.
    pub(crate) token: Option<String>,
    /// Names, and where in the answer their values are.
    pub(crate) keep: Vec<(String, String)>,
    /// Where in the answer of a subscription to look, and for what.
    pub(crate) until: Option<(String, String)>,
    /// The code of the problem that is announced.
    pub(crate) problem: Option<String>,
}

/// Every `###` section, each of which has a number.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut fence, mut text, mut in_step) = (None, String::new(), false);
    for line in API.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(_), Some(language)) => {
                if in_step {
                    take_block(steps.last_mut().unwrap(), language, &text);
                }
                (fence, text) = (None, String::new());
            }
            (Some(language), None) => fence = Some(language),
            (None, Some(_)) => text = text + line + "\n",
            (None, None) if line.starts_with('#') => {
                in_step = line.starts_with("### ");
                if let Some(title) = line.strip_prefix("### ") {
                    steps.push(Step { title: title.to_owned(), ..Step::default() });
                }
            }
            (None, None) if in_step => take_line(steps.last_mut().unwrap(), line),
            (None, None) => {}
        }
    }
    for (i, step) in steps.iter().enumerate() {
        assert!(step.title.starts_with(&format!("{}. ", i + 1)), "the number of {:?}", step.title);
        assert!(!step.document.is_empty(), "{:?} has no document", step.title);
    }
    steps
}

fn take_block(step: &mut Step, language: &str, text: &str) {
    match language {
        "graphql" => step.document = text.to_owned(),
        "json" => step.variables = serde_json::from_str(text).unwrap(),
        other => panic!("{:?}: a block of {other}", step.title),
    }
}

fn take_line(step: &mut Step, line: &str) {
    let Some((word, rest)) = line.split_once(": ") else { return };
    let mut quoted = rest.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
    let mut next = || quoted.next().unwrap_or_else(|| panic!("{:?}: {line}", step.title));
    match word {
        "Token" => step.token = Some(name(&next()).expect("<name>").to_owned()),
        "Problem" => step.problem = Some(next()),
        "Until" => step.until = Some((next(), next())),
        "Keep" => {
            while let (Some(name), Some(path)) = (quoted.next(), quoted.next()) {
                step.keep.push((name, path));
            }
        }
        _ => {}
    }
}

/// The name in `<name>`.
pub(crate) fn name(text: &str) -> Option<&str> {
    text.strip_prefix('<')?.strip_suffix('>')
}

/// The value at `a.b[0].c`.
pub(crate) fn at<'a>(answer: &'a Value, path: &str) -> &'a Value {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    answer.pointer(&pointer).unwrap_or_else(|| panic!("no {path} in {answer}"))
}
