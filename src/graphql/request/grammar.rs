//! Where the parser's grammar is not the specification's, followed token by token: what it does not know is written in a
//! way that it does, what it takes and should not is refused. Whatever is behind stays in its line and column, but for
//! escapes.

use std::ops::Range;

/// The words that a definition begins with, which the parser does not tell from what stands right behind them.
const KEYWORDS: [&str; 4] = ["query", "mutation", "subscription", "fragment"];

/// What is to stand in a place instead of what does.
type Edit = (Range<usize>, String);

/// What no document has.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) at: usize,
}

/// What is known of a document up to some token.
#[derive(Debug)]
pub(super) struct Grammar<'a> {
    document: &'a str,
    edits: Vec<Edit>,
    /// The last tokens, the latest first.
    last: [Range<usize>; 2],
    /// The first words of the definition.
    words: Vec<&'a str>,
    /// A description that what it describes has yet to follow.
    described: bool,
    /// The type of a variable.
    ty: Option<Ty>,
}

/// A type as far as it was read.
#[derive(Debug)]
struct Ty {
    place: Range<usize>,
    text: String,
    is_named: bool,
}

impl<'a> Grammar<'a> {
    pub(super) fn of(document: &'a str) -> Self {
        let last = [0..0, 0..0];
        Self { document, edits: Vec::new(), last, words: Vec::new(), described: false, ty: None }
    }

    /// The document with everything in it that the parser can read; `None` if that is so already.
    ///
    /// # Errors
    /// It ends where something has to follow.
    pub(super) fn end(mut self) -> Result<Option<String>, Wrong> {
        self.end_type();
        if self.described {
            return Err(undescribed(self.document.len()));
        }
        if self.edits.is_empty() {
            return Ok(None);
        }
        let (mut text, mut from) = (String::with_capacity(self.document.len()), 0);
        for (place, instead) in &self.edits {
            text.push_str(&self.document[from..place.start]);
            text.push_str(instead);
            from = place.end;
        }
        text.push_str(&self.document[from..]);
        Ok(Some(text))
    }

    /// Takes the next comment, which the parser does not know between `on` and the name of a type.
    pub(super) fn comment(&mut self, place: Range<usize>) {
        if self.ty.is_none() && &self.document[self.last[0].clone()] == "on" {
            self.edits.push((place.clone(), blank(&self.document[place])));
        }
    }

    /// Takes the next token, which stands within `depth` brackets, of which the outermost is that.
    ///
    /// # Errors
    /// The parser would take it, and should not.
    pub(super) fn token(
        &mut self,
        token: Range<usize>,
        depth: usize,
        outermost: Option<u8>,
    ) -> Result<(), Wrong> {
        let document = self.document;
        let (text, last) = (&document[token.clone()], &document[self.last[0].clone()]);
        let wrong = |message: String| Wrong { message: format!("Syntax error: {message}"), at: token.start };
        let is_string = text.starts_with('"');
        if !self.goes_on_with_type(text, token.end) {
            self.end_type();
        }
        if self.described && text != "$" && (depth > 0 || !text.starts_with(is_letter)) {
            return Err(undescribed(token.start));
        }
        self.described = false;
        if is_string && self.is_description(last, depth, outermost) {
            self.described = true;
            self.edits.push((token.clone(), blank(text)));
        } else if is_string && !text.starts_with("\"\"\"") {
            self.edits.extend(escapes(document, token.start, token.end));
        } else if text == ")" && last == "(" {
            return Err(wrong("there is nothing between these brackets.".to_owned()));
        } else if text == ":" && &document[self.last[1].clone()] == "$" {
            self.ty = Some(Ty { place: token.end..token.end, text: String::new(), is_named: false });
        } else if text == "0" && last == "-" && self.last[0].end == token.start {
            // The parser reads the whole number -0 as the float -0.0.
            if !document[token.end..].starts_with('.') {
                self.edits.push((self.last[0].clone(), " ".to_owned()));
            }
        } else if depth == 0 && text.starts_with(is_letter) {
            self.words.push(text);
            if let Some(message) = self.misread() {
                return Err(wrong(message));
            }
        }
        if text == "}" && depth == 1 {
            self.words.clear();
        }
        let [last, _] = std::mem::replace(&mut self.last, [token, 0..0]);
        self.last[1] = last;
        Ok(())
    }

    /// What the parser would read wrongly of the words of a definition.
    fn misread(&self) -> Option<String> {
        match self.words.as_slice() {
            [word] if !KEYWORDS.contains(word) && KEYWORDS.iter().any(|known| word.starts_with(known)) => {
                Some(format!("a definition does not begin with \"{word}\"."))
            }
            ["fragment", "on"] => Some("a fragment cannot be called \"on\".".to_owned()),
            _ => None,
        }
    }

    /// Whether a string there is a description: before a definition, or before a variable's.
    fn is_description(&self, last: &str, depth: usize, outermost: Option<u8>) -> bool {
        match (depth, outermost) {
            (0, _) => self.words.is_empty(),
            (1, Some(b'(')) => !matches!(last, ":" | "="),
            _ => false,
        }
    }

    fn goes_on_with_type(&mut self, token: &str, end: usize) -> bool {
        let Some(ty) = &mut self.ty else { return false };
        let is_name = token.starts_with(is_letter);
        let goes_on = if ty.is_named { matches!(token, "!" | "]") } else { token == "[" || is_name };
        if goes_on {
            if ty.text.is_empty() {
                ty.place.start = end - token.len();
            }
            ty.is_named |= is_name;
            ty.text.push_str(token);
            ty.place.end = end;
        }
        goes_on
    }

    /// The parser knows types without anything between their tokens only.
    fn end_type(&mut self) {
        let Some(Ty { place, text, .. }) = self.ty.take() else { return };
        let whole = &self.document[place.clone()];
        if text.len() == whole.len() {
            return;
        }
        let mut instead = text.clone();
        match whole.rsplit_once('\n') {
            None => instead.extend(std::iter::repeat_n(' ', whole.chars().count() - text.len())),
            Some((lines, rest)) => {
                instead.extend(lines.chars().filter(|c| *c == '\n').chain(['\n']));
                instead.push_str(&blank(rest));
            }
        }
        self.edits.push((place, instead));
    }
}

fn undescribed(at: usize) -> Wrong {
    let message = "Syntax error: a description stands before an operation, a fragment or a variable.";
    Wrong { message: message.to_owned(), at }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

/// Nothing, of the same lines and the same width.
fn blank(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { ' ' }).collect()
}

/// The escapes in the string from `start` to `end` that the parser does not know, each with what it does know:
/// `\u{1F600}`, and the two halves that languages other than Rust write for it, `\uD83D\uDE00`.
fn escapes(document: &str, start: usize, end: usize) -> Vec<Edit> {
    let (bytes, mut found, mut at) = (document.as_bytes(), Vec::new(), start + 1);
    while at < end {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let length = match escape(&document[at..end]) {
            Some((length, character)) => {
                found.push((at..at + length, known(character)));
                length
            }
            None => 2,
        };
        at += length;
    }
    found
}

/// The length and the character of such an escape at the beginning of `text`.
fn escape(text: &str) -> Option<(usize, char)> {
    let digits = text.strip_prefix("\\u")?;
    if let Some(braced) = digits.strip_prefix('{') {
        let (digits, _) = braced.split_once('}')?;
        let is_hex = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
        return Some((digits.len() + 4, char::from_u32(code)?));
    }
    let unit = |text: &str| {
        let digits = text.get(..4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    let (high, low) = (unit(digits)?, unit(digits.get(4..)?.strip_prefix("\\u")?)?);
    if !(0xD800..0xDC00).contains(&high) {
        return None;
    }
    let character = char::decode_utf16([high, low]).next()?.ok()?;
    Some((12, character))
}

/// A character as the parser knows it.
fn known(character: char) -> String {
    match u16::try_from(u32::from(character)) {
        // It may be a quote, or the end of a line.
        Ok(unit) => format!("\\u{unit:04x}"),
        Err(_) => character.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Pos;
    use async_graphql::parser::types::{ExecutableDocument, Selection};
    use proptest::prelude::*;

    use crate::graphql::request::document::{DocumentLimits, read};

    fn parsed(text: &str) -> Result<ExecutableDocument, String> {
        let read = read(text, &DocumentLimits::default());
        read.map(|document| document.parsed).map_err(|error| error.message)
    }

    #[test]
    fn what_the_parser_does_not_know_is_read() {
        for text in [
            "query ($v: [ Int ! ] !) { a(v: $v) }",
            "query ($v: Int !) { a(v: $v) }",
            "query ($v:,[,Int,],=,[1]) { a(v: $v) }",
            "query ($v: [\n  Int! # of them\n]!\n) { a(v: $v) }",
            "query ($v: [ [ Int\r\n] ]) { a(v: $v) }",
            "query ($v: [on # c\n ! ]) { a(v: $v) }",
            "query ($v: Int # c\n = 1) { a(v: $v) }",
            "{ ... on # c\n T { a } }",
            "{ ...F } fragment F on # \" \n # c\n T { a }",
            "\"What it does\" query Q { a }",
            "\"\"\"\nWhat it does\n\"\"\" mutation { a } \"and\" fragment F on T { a }",
            "query (\"which\" $v: Int = 1, \"\"\"whose\"\"\" $w: String = \"x\" \"and\" $x: [Int!]) { a(v: $v) }",
            "query queryQ { a }",
            "query on { a }",
            "{ a(v: -0) b(v: [1 -0]) c(v: -0.5) d(v: -0e1) }",
        ] {
            assert!(parsed(text).is_ok(), "{text}: {:?}", parsed(text));
        }
    }

    #[test]
    fn what_the_parser_takes_and_should_not_is_refused() {
        for (text, why) in [
            ("queryQ { a }", "\"queryQ\""),
            ("mutationM { a }", "\"mutationM\""),
            ("subscriptionS { a }", "\"subscriptionS\""),
            ("{ ...F } fragmentF on T { a }", "\"fragmentF\""),
            ("query_ { a }", "\"query_\""),
            ("query A { a } query2 { b }", "\"query2\""),
            ("{ ...on } fragment on on T { a }", "cannot be called \"on\""),
            ("query Q() { a }", "nothing between"),
            ("query Q( # c\n ) { a }", "nothing between"),
            ("{ a() }", "nothing between"),
            ("\"no operation\"", "a description stands before"),
            ("query Q { a } \"at the end\"", "a description stands before"),
            ("\"for short\" { a }", "a description stands before"),
            ("\"two\" \"of them\" query Q { a }", "a description stands before"),
            ("query ($v: Int \"behind\") { a }", "a description stands before"),
            ("query (\"which\" v: Int) { a }", "a description stands before"),
            ("query \"which\" { a }", "expected"),
            ("{ \"which\" a }", "expected"),
            ("query ($v: [Int) { a }", "expected"),
            ("query ($v: Int Int) { a }", "expected"),
            ("query ($v: ! Int) { a }", "expected"),
            ("query ($v: [Int ! !]) { a }", "expected"),
            ("query ($v: [ ]) { a }", "expected"),
            ("{ a(v: - 0) }", "expected"),
            ("{ a(v: --0) }", "expected"),
        ] {
            let refused = parsed(text).map(|_| "taken".to_owned()).unwrap_or_else(|message| message);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn a_whole_minus_zero_is_another_number_than_a_fractional_one() {
        let number = |text: &str| {
            let document = parsed(&format!("{{ a(v: {text}) }}")).unwrap();
            let operation = &document.operations.iter().next().unwrap().1.node;
            let Selection::Field(field) = &operation.selection_set.node.items[0].node else { panic!() };
            field.node.arguments[0].1.node.to_string()
        };
        assert_eq!(
            [number("-0"), number("-0.0"), number("-0e0"), number("-0.5")],
            ["0", "-0.0", "-0.0", "-0.5"]
        );
    }

    const TOKENS: &str = "query Q ( $ a : [ [ ID ! ] ! ] ! = [ \"a\" 0 ] $ b : Int ) @ d { x ( v : $ a ) { ... on T @ d { y } ... F } } \
        fragment F on T { z ( w : { k : [ 1 ] } ) }";

    /// Where a token begins in a text of several of them.
    fn position(text: &str) -> Pos {
        let (line, column) =
            (text.matches('\n').count() + 1, text.rsplit('\n').next().unwrap().chars().count() + 1);
        Pos { line, column }
    }

    proptest! {
        /// Ignored tokens may stand between any two tokens and make no difference, and whatever is told of has its place.
        #[test]
        fn what_is_ignored_is_ignored_everywhere(
            between in prop::collection::vec("( |,|\t|\n|\r\n|\u{feff}|#[a-z\"{(é]{0,3}\n){1,3}", 60),
        ) {
            let mut text = String::new();
            let (mut of_v, mut of_z) = (Pos::default(), Pos::default());
            for (token, ignored) in TOKENS.split_whitespace().zip(between.iter().cycle()) {
                text.push_str(ignored);
                match token {
                    "v" => of_v = position(&text),
                    "z" => of_z = position(&text),
                    _ => {}
                }
                text.push_str(token);
            }
            let document = parsed(&text).map_err(|why| TestCaseError::fail(format!("{text:?}: {why}")))?;
            let operation = &document.operations.iter().next().unwrap().1.node;
            let ty = operation.variable_definitions[0].node.var_type.node.to_string();
            prop_assert_eq!(ty, "[[ID!]!]!");
            let Selection::Field(x) = &operation.selection_set.node.items[0].node else { panic!() };
            prop_assert_eq!(x.node.arguments[0].0.pos, of_v, "{:?}", text);
            let Selection::Field(z) = &document.fragments["F"].node.selection_set.node.items[0].node else { panic!() };
            prop_assert_eq!(z.pos, of_z, "{:?}", text);
        }

        /// Whatever is sent.
        #[test]
        fn nothing_panics(tokens in prop::collection::vec(
            prop::sample::select(vec!["query", "fragment", "on", "F", "$", "v", ":", "[", "]", "!", "(", ")", "{", "}", "\"s\"",
                "\"\"\"b\"\"\"", "-", "0", "...", "@", "#c\n", " ", "\n", "é", "\"\\u{1F600}\"", "=", "&", "|"]),
            0..30,
        )) {
            let _ = parsed(&tokens.concat());
        }
    }
}
