//! Figures of several rounds: the median, and how far they lie apart.

use std::fmt;

use serde::Serialize;

/// The median of the rounds, the lowest and the highest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(in crate::bench) struct Spread {
    pub(in crate::bench) median: f64,
    lowest: f64,
    highest: f64,
}

impl Spread {
    /// Of what was found in each round; `None` if there is nothing, or a round without it.
    pub(in crate::bench) fn of(rounds: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let mut found = rounds.into_iter().collect::<Option<Vec<_>>>()?;
        found.sort_by(f64::total_cmp);
        let (lowest, highest) = (*found.first()?, *found.last()?);
        let middle = found.len() / 2;
        let median = if found.len() % 2 == 1 {
            found[middle]
        } else {
            f64::midpoint(found[middle - 1], found[middle])
        };
        Some(Self { median, lowest, highest })
    }

    /// Of one figure divided by another of the same round: what the machine does besides slows both.
    pub(in crate::bench) fn of_ratios(
        above: impl IntoIterator<Item = f64>,
        below: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        Self::of(above.into_iter().zip(below).map(|(above, below)| Some(above / below)))
    }
}

/// Three digits, or as many as the whole number has.
fn rounded(figure: f64) -> String {
    let decimals = match figure.abs() {
        figure if figure >= 99.95 => 0,
        figure if figure >= 9.995 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}

impl fmt::Display for Spread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, lowest, highest] = [self.median, self.lowest, self.highest].map(rounded);
        if lowest == highest {
            out.write_str(&median)
        } else {
            write!(out, "{median} ({lowest} to {highest})")
        }
    }
}

/// The figure, or a dash.
pub(in crate::bench) fn shown(figure: Option<impl fmt::Display>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |rounds: &[f64]| Spread::of(rounds.iter().copied().map(Some)).unwrap().to_string();
        assert_eq!(spread(&[300.0, 1.0, 20.0]), "20.0 (1.00 to 300)");
        assert_eq!(spread(&[4.0, 1.0]), "2.50 (1.00 to 4.00)");
        assert_eq!(spread(&[7.0]), "7.00");
    }

    #[test]
    fn what_a_round_did_not_tell_is_not_told() {
        assert_eq!(Spread::of([Some(1.0), None]), None);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_ratio_is_of_one_round() {
        // Both twice as slow in the second.
        let spread = Spread::of_ratios([400.0, 200.0], [100.0, 50.0]).unwrap();
        assert_eq!(spread.to_string(), "4.00");
    }
}
