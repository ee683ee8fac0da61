//! Tokens and brackets of a document, counted without recursion and without trusting it to be well formed.

use async_graphql::Pos;

/// What the text of a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    /// Names, numbers, strings and punctuators.
    pub(super) tokens: usize,
    /// The most brackets, of any kind, open at once.
    pub(super) nesting: usize,
}

/// A string without an end: from here on, what is text and what is document is anyone's guess.
#[derive(Debug)]
pub(super) struct Unterminated {
    pub(super) message: String,
    pub(super) pos: Pos,
}

/// Counts the tokens and the nesting of `document` in one pass.
///
/// # Errors
///
/// A string that does not end. It must be refused here: a parser that read it differently would see brackets that
/// this scan took for text.
pub(super) fn scan(document: &str) -> Result<Scan, Unterminated> {
    let bytes = document.as_bytes();
    let (mut tokens, mut open, mut nesting) = (0, 0_usize, 0);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip_while(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string_end(bytes, at).ok_or_else(|| unterminated(document, at))?,
            b'{' | b'[' | b'(' => {
                open += 1;
                nesting = nesting.max(open);
                at + 1
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                at + 1
            }
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            byte if is_word(byte) => skip_while(bytes, at, is_word),
            _ => at + 1,
        };
        tokens += 1;
    }
    Ok(Scan { tokens, nesting })
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

fn unterminated(document: &str, at: usize) -> Unterminated {
    let before = &document[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    Unterminated {
        message: "Syntax error: the string that begins here does not end.".to_owned(),
        pos: Pos { line, column },
    }
}
