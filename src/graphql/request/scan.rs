//! The text of a document, looked at without recursion and without trusting it to be well formed: its tokens and brackets
//! are counted, and what the parser does not tell is found.

use std::collections::HashSet;

use async_graphql::Pos;

/// What the text of a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    /// Names, numbers, strings and punctuators.
    pub(super) tokens: usize,
    /// The most brackets, of any kind, open at once.
    pub(super) nesting: usize,
    /// The same document with escapes that the parser does not know written in a way that it does.
    pub(super) rewritten: Option<String>,
}

/// Why a text is not a document.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) pos: Pos,
}

/// Looks at `document` in one pass.
///
/// # Errors
///
/// A string that does not end: it must be refused here, because a parser that read it differently would see brackets that
/// this scan took for text. Two fields of one name in an input object, of which the parser keeps the last one. A number
/// that begins with a needless zero, which the parser takes for two numbers.
pub(super) fn scan(document: &str) -> Result<Scan, Fault> {
    let bytes = document.as_bytes();
    let (mut tokens, mut nesting) = (0, 0);
    let mut brackets = Brackets::default();
    let mut escapes = Vec::new();
    let mut word = 0..0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip_while(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => {
                let message = "Syntax error: the string that begins here does not end.";
                let end = string_end(bytes, at).ok_or_else(|| fault(document, at, message.to_owned()))?;
                if !bytes[at..].starts_with(b"\"\"\"") {
                    escapes.extend(unknown_escapes(document, at, end));
                }
                end
            }
            b'{' | b'[' | b'(' => {
                brackets.open(byte);
                nesting = nesting.max(brackets.open.len());
                at + 1
            }
            b'}' | b']' | b')' => {
                brackets.close();
                at + 1
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
                if has_needless_zero(bytes, at, end) {
                    let message = "Syntax error: a number does not begin with a needless 0.";
                    return Err(fault(document, at, message.to_owned()));
                }
                word = at..end;
                end
            }
            _ => at + 1,
        };
        at = end;
        tokens += 1;
    }
    let rewritten = (!escapes.is_empty()).then(|| rewritten(document, &escapes));
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

/// The escapes in the string from `start` to `end` that the parser does not know, each with its character: `\u{1F600}`, and
/// the two halves that languages other than Rust write for it, `\uD83D\uDE00`.
fn unknown_escapes(document: &str, start: usize, end: usize) -> Vec<(std::ops::Range<usize>, char)> {
    let (bytes, mut found, mut at) = (document.as_bytes(), Vec::new(), start + 1);
    while at < end {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let length = match escape(&document[at..end]) {
            Some((length, character)) => {
                found.push((at..at + length, character));
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

fn rewritten(document: &str, escapes: &[(std::ops::Range<usize>, char)]) -> String {
    let (mut text, mut from) = (String::with_capacity(document.len()), 0);
    for (place, character) in escapes {
        text.push_str(&document[from..place.start]);
        match u16::try_from(u32::from(*character)) {
            // It may be a quote, or the end of a line.
            Ok(unit) => text.push_str(&format!("\\u{unit:04x}")),
            Err(_) => text.push(*character),
        }
        from = place.end;
    }
    text.push_str(&document[from..]);
    text
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
