//! `column IN (…)` for any number of values.
//!
//! A statement is prepared once for every connection and remembered by its text, and each number of values makes
//! another text. Under load no two batches have the same sizes, so that without this nearly every statement would be
//! parsed and planned anew, which also takes one more journey to the database and back. So the last value is
//! repeated until their number is a power of two: of each statement there are ten then and not five hundred.

use sea_orm::{ColumnTrait, Value, sea_query::SimpleExpr};

pub(super) trait Among: ColumnTrait {
    /// Whether the column has one of the values.
    fn among<V: Into<Value> + Clone>(&self, values: impl IntoIterator<Item = V>) -> SimpleExpr {
        self.is_in(padded(values.into_iter().collect()))
    }
}

impl<C: ColumnTrait> Among for C {}

fn padded<V: Clone>(mut values: Vec<V>) -> Vec<V> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_is_repeated() {
        let sizes = [0, 1, 2, 3, 4, 5, 255, 256].map(|n| padded(vec![1; n]).len());
        assert_eq!(sizes, [0, 1, 2, 4, 4, 8, 256, 256]);
        assert_eq!(padded(vec!["a", "b", "c"]), ["a", "b", "c", "c"]);
    }
}
