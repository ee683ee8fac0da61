//! What is wrong with an input, and where in it: every mistake is told at once, so that a form can show each beside its
//! field.

use std::{borrow::Cow, fmt};

/// One step on the way to a value inside an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A variable, an argument, or a field of an input object.
    Name(Cow<'static, str>),
    /// A place in a list, counted from 0.
    Index(usize),
}

impl From<&'static str> for Step {
    fn from(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From the variable or argument down.
    pub path: Vec<Step>,
    /// A sentence without the path that says what was wrong and what would be right.
    pub message: String,
}

impl Mistake {
    /// A mistake at that place.
    pub fn at<const N: usize>(path: [Step; N], message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// The same, seen from further out.
    #[must_use]
    pub fn below(mut self, step: impl Into<Step>) -> Self {
        self.path.insert(0, step.into());
        self
    }
}

impl fmt::Display for Mistake {
    /// As people write it: `input.sections[0].name must have …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.path.iter().enumerate() {
            match step {
                Step::Name(name) if at == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        write!(f, " {}", self.message)
    }
}

/// The mistakes of an input, while it is being read.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// What was read, or nothing and a mistake at that place more.
    pub fn take<T, const N: usize>(&mut self, path: [Step; N], read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(message) => {
                self.0.push(Mistake::at(path, message));
                None
            }
        }
    }

    /// What was read, or nothing and its mistakes, which are below that place.
    pub fn take_all<T>(&mut self, step: Option<Step>, read: Result<T, Vec<Mistake>>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(mistakes) => {
                self.0.extend(mistakes.into_iter().map(|mistake| match &step {
                    Some(step) => mistake.below(step.clone()),
                    None => mistake,
                }));
                None
            }
        }
    }

    /// One mistake more.
    pub fn add(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// `value`, if there was none.
    ///
    /// # Errors
    /// All of them.
    pub fn none_or<T>(self, value: T) -> Result<T, Vec<Mistake>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    /// All of them.
    #[must_use]
    pub fn into_vec(self) -> Vec<Mistake> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_reads_like_a_sentence() {
        let mistake = Mistake::at(["sections".into(), 0.into(), "name".into()], "must not be empty");
        assert_eq!(mistake.below("input").to_string(), "input.sections[0].name must not be empty");
    }
}
