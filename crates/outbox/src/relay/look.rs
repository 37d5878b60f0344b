//! Where a look at the outbox begins, and how many rows it takes.

use std::time::Duration;

/// A full look that takes longer than this for a row had to pass over much to find its rows.
const COSTLY: Duration = Duration::from_micros(20);
/// One that takes less than this did not.
const CHEAP: Duration = Duration::from_micros(6);
/// The most batches that one look takes.
const MOST: usize = 16;

/// Every look begins at the beginning: there is no cursor. Rows that commit late have lower
/// numbers than rows that were seen, and to pass one by is not only to be late with it: the
/// transaction of its key that came next, which had waited for it, would be published before it.
/// What one look sees is consistent in this: a row is never visible without the earlier ones of
/// its key. Two looks of which the second begins behind the first are not.
///
/// But deleted rows stay in an index for as long as any session of the database may see them, and
/// a look passes over all of them: with a transaction open for minutes that is a million entries.
/// So where looks are costly each takes the rows of several batches.
#[derive(Debug)]
pub(super) struct Looks {
    batches: usize,
    /// Planted: behind which row to look, never looking back.
    cursor: Option<i64>,
}

impl Looks {
    pub(super) fn new(cursor: bool) -> Self {
        Self {
            batches: 1,
            cursor: cursor.then_some(0),
        }
    }

    /// After which row to look.
    pub(super) fn from(&self) -> i64 {
        self.cursor.unwrap_or(0)
    }

    /// How many batches a look takes.
    pub(super) fn batches(&self) -> usize {
        self.batches
    }

    /// What a look found, that could have found more if it is `full`.
    pub(super) fn looked(&mut self, took: Duration, rows: usize, full: bool, last: Option<i64>) {
        if full {
            let each = took / u32::try_from(rows.max(1)).unwrap_or(u32::MAX);
            self.batches = match each {
                costly if costly > COSTLY => (self.batches * 2).min(MOST),
                cheap if cheap < CHEAP => (self.batches / 2).max(1),
                _ => self.batches,
            };
        }
        if let (Some(cursor), Some(last)) = (&mut self.cursor, last) {
            *cursor = last.max(*cursor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costly_looks_take_more_rows_and_cheap_ones_fewer() {
        let mut looks = Looks::new(false);
        for _ in 0..10 {
            looks.looked(Duration::from_millis(100), 1_000, true, Some(7));
        }
        assert_eq!((looks.batches(), looks.from()), (MOST, 0));
        // One that found little tells nothing of what a row costs.
        looks.looked(Duration::from_millis(2), 1, false, Some(8));
        assert_eq!(looks.batches(), MOST);
        for _ in 0..10 {
            looks.looked(Duration::from_millis(4), 1_000, true, Some(9));
        }
        assert_eq!((looks.batches(), looks.from()), (1, 0));
    }
}
