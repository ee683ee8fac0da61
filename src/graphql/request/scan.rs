//! The text of a document, looked at without recursion and without trusting it to be well formed: its tokens and brackets
//! are counted, and what the parser does not tell is found.

use std::collections::HashSet;

use async_graphql::Pos;

use super::grammar::Grammar;

/// What the text of a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    /// Names, numbers, strings and punctuators.
    pub(super) tokens: usize,
    /// The most brackets, of any kind, open at once.
    pub(super) nesting: usize,
    /// The same document with what the parser does not know written in a way that it does.
    pub(super) rewritten: Option<String>,
}

/// Why a text is not a document.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) pos: Pos,
}

/// Ignored between tokens, as white space is.
const BOM: char = '\u{feff}';

/// Looks at `document` in one pass.
///
/// # Errors
///
/// A string that does not end: it must be refused here, because a parser that read it differently would see brackets that
/// this scan took for text. Two fields of one name in an input object, of which the parser keeps the last one. A number
/// that begins with a needless zero, which the parser takes for two numbers. What [`Grammar`] finds.
pub(super) fn scan(document: &str) -> Result<Scan, Fault> {
    let bytes = document.as_bytes();
    let (mut tokens, mut nesting) = (0, 0);
    let mut brackets = Brackets::default();
    let mut grammar = Grammar::of(document);
    let mut word = 0..0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            _ if document[at..].starts_with(BOM) => {
                at += BOM.len_utf8();
                continue;
            }
            b'#' => {
                let end = skip_while(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                grammar.comment(at..end);
                at = end;
                continue;
            }
            b'"' => {
                let message = "Syntax error: the string that begins here does not end.";
                string_end(bytes, at).ok_or_else(|| fault(document, at, message.to_owned()))?
            }
            b':' => {
                let name = &document[word.clone()];
                if !brackets.is_new(name) {
                    let message = format!("There can be only one input field named \"{name}\".");
                    return Err(fault(document, word.start, message));
                }
                at + 1
            }
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            byte if is_word(byte) => {
                let end = skip_while(bytes, at, is_word);
                let end = document[at..end].find(BOM).map_or(end, |length| at + length);
                if has_needless_zero(bytes, at, end) {
                    let message = "Syntax error: a number does not begin with a needless 0.";
                    return Err(fault(document, at, message.to_owned()));
                }
                word = at..end;
                end
            }
            _ => at + 1,
        };
        let outermost = brackets.open.first().map(|(bracket, _)| *bracket);
        grammar
            .token(at..end, brackets.open.len(), outermost)
            .map_err(|wrong| fault(document, wrong.at, wrong.message))?;
        match byte {
            b'{' | b'[' | b'(' => {
                brackets.open(byte);
                nesting = nesting.max(brackets.open.len());
            }
            b'}' | b']' | b')' => brackets.close(),
            _ => {}
        }
        at = end;
        tokens += 1;
    }
    let rewritten = grammar.end().map_err(|wrong| fault(document, wrong.at, wrong.message))?;
    Ok(Scan { tokens, nesting, rewritten })
}

/// Whether the word from `start` to `end` begins a number with a 0 that it could do without; behind a point or in an
/// exponent it could not.
fn has_needless_zero(bytes: &[u8], start: usize, end: usize) -> bool {
    let goes_on = matches!(&bytes[..start], [.., b'.'] | [.., b'e' | b'E', b'+' | b'-']);
    !goes_on && bytes[start] == b'0' && bytes[start + 1..end].first().is_some_and(u8::is_ascii_digit)
}

/// The brackets that are open.
#[derive(Default)]
struct Brackets<'a> {
    /// For each the names of the fields so far, where it is that of an input object.
    open: Vec<(u8, Option<HashSet<&'a str>>)>,
    /// How many of them are round.
    round: usize,
}

impl<'a> Brackets<'a> {
    fn open(&mut self, bracket: u8) {
        self.round += usize::from(bracket == b'(');
        // Within arguments, and within the declaration of variables, there are no selection sets.
        let is_input = bracket == b'{' && self.round > 0;
        self.open.push((bracket, is_input.then(HashSet::new)));
    }

    fn close(&mut self) {
        if let Some((b'(', _)) = self.open.pop() {
            self.round -= 1;
        }
    }

    fn is_new(&mut self, name: &'a str) -> bool {
        match self.open.last_mut() {
            Some((_, Some(names))) => names.insert(name),
            _ => true,
        }
    }
}

/// Names and numbers; bytes beyond ASCII are joined to them, so that one odd character is not several tokens.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn skip_while(bytes: &[u8], from: usize, keep: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !keep(byte)).map_or(bytes.len(), |length| from + length)
}

/// Just behind the string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes[from..].starts_with(b"\"\"\"") {
        return block_string_end(bytes, from + 3);
    }
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn block_string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        match rest.first()? {
            b'"' if rest.starts_with(b"\"\"\"") => return Some(at + 3),
            b'\\' if rest.starts_with(b"\\\"\"\"") => at += 4,
            _ => at += 1,
        }
    }
}

fn fault(document: &str, at: usize, message: String) -> Fault {
    let before = &document[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    Fault { message, pos: Pos { line, column } }
}
