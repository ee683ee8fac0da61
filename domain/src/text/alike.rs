//! When two names look the same (rule 23).

use std::collections::HashMap;

use icu_casemap::CaseMapper;
use icu_properties::{CodePointSetData as Set, props::DefaultIgnorableCodePoint};
use unicode_security::confusable_detection::skeleton;

use super::search::{compatible, folded};

/// Names by how they look: in whatever case, width, form and script, with whatever spaces.
///
/// Of characters of ASCII none is taken for another: a house may well have sections "O" and "0".
#[derive(Debug)]
pub struct Looks<T>(HashMap<String, T>);

impl<T> Default for Looks<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Looks<T> {
    /// Remembers a name as `mark`, unless there is one already that looks the same, which is returned.
    pub fn insert(&mut self, name: &str, mark: T) -> Option<T> {
        let looks = looks(name);
        if let Some(known) = looks.iter().find_map(|look| self.0.get(look)) {
            return Some(known.clone());
        }
        self.0.extend(looks.map(|look| (look, mark.clone())));
        None
    }

    /// What was remembered of a name that looks like this one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<T> {
        looks(name).iter().find_map(|look| self.0.get(look)).cloned()
    }
}

/// Two forms, because a capital letter may look like another capital and its small letter like another small one: names
/// look the same if they have one of them in common.
fn looks(name: &str) -> [String; 2] {
    let spaced = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let as_is = CaseMapper::new().fold_string(&bones(&compatible(name))).into_owned();
    [spaced(folded(&as_is)), spaced(bones(&folded(name)))]
}

/// Each character as the one that all those which look like it are told by (UTS 39).
fn bones(text: &str) -> String {
    let mut bones = String::with_capacity(text.len());
    for c in text.chars() {
        // The tags of a flag make it another one.
        if c.is_ascii() || ('\u{e0020}'..='\u{e007f}').contains(&c) {
            bones.push(c);
        } else if !Set::new::<DefaultIgnorableCodePoint>().contains(c) {
            bones.extend(skeleton(c.encode_utf8(&mut [0; 4])));
        }
    }
    bones
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        let mut names = Looks::default();
        names.insert(a, ());
        names.get(b).is_some()
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (a, b) in [
            ("Stalls", "Stalls"),
            ("Stalls", "STALLS"),
            ("Stalls", "Stalls "),
            ("Upper Circle", "Upper\u{a0}Circle"),
            ("Upper Circle", "Upper  Circle"),
            ("Upper Circle", "Upper\u{3000}Circle"),
            ("Stalls", "Ｓｔａｌｌｓ"),
            ("Ärzte", "A\u{308}rzte"),
            ("ガンダム", "ｶﾞﾝﾀﾞﾑ"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("Straße", "STRASSE"),
            ("Block B", "Вlосk В"),
            ("stalls", "stаlls"),
            ("BALCONY", "ВАLСОΝY"),
            ("Heart ❤\u{fe0f}", "Heart ❤"),
            ("خانه\u{200c}ها", "خانهها"),
            ("Row 1", "Row １"),
            ("A–B", "A‐B"),
        ] {
            assert!(alike(a, b), "{a:?} {b:?}: {:?} {:?}", looks(a), looks(b));
            assert!(alike(b, a), "{b:?} {a:?}");
        }
    }

    #[test]
    fn names_that_do_not_are_not() {
        for (a, b) in [
            ("Stalls", "Stall"),
            ("O", "0"),
            ("I", "1"),
            ("I", "l"),
            ("Row 1", "Row 2"),
            ("rn", "m"),
            ("Ärzte", "Arzte"),
            ("Upper Circle", "UpperCircle"),
            ("가", "나"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            ),
        ] {
            assert!(!alike(a, b), "{a:?} {b:?}: {:?} {:?}", looks(a), looks(b));
        }
    }
}
