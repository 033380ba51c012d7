//! How many rows are worked at the same time: fewer when the table refuses, and more again as it
//! does not.

/// How many at first, and how many at most.
const FIRST: usize = 8;
const MOST: usize = 32;
/// After how many rows that went well there is one more at a time.
const STEADY: usize = 16;
/// After how many refusals in a row, with nothing that went well between them, it is for others to
/// try later.
const HOPELESS: usize = 12;

/// The number of rows that are processed at the same time.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: usize,
    well: usize,
    refused: usize,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { limit: FIRST, well: 0, refused: 0 }
    }
}

impl Concurrency {
    /// How many rows may be worked at the same time now.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Whether the table takes nothing now.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.refused >= HOPELESS
    }

    /// A row got its status.
    pub(super) fn record_success(&mut self) {
        (self.well, self.refused) = (self.well + 1, 0);
        if self.well >= STEADY {
            (self.limit, self.well) = ((self.limit + 1).min(MOST), 0);
        }
    }

    /// The table did not take a row.
    pub(super) fn record_refusal(&mut self) {
        (self.limit, self.well, self.refused) = ((self.limit / 2).max(1), 0, self.refused + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_at_once_and_grows_slowly() {
        let mut pace = Concurrency::default();
        pace.record_refusal();
        assert_eq!(pace.limit(), FIRST / 2);
        (0..STEADY).for_each(|_| pace.record_success());
        assert_eq!(pace.limit(), FIRST / 2 + 1);
        (0..HOPELESS).for_each(|_| pace.record_refusal());
        assert!(pace.is_exhausted() && pace.limit() == 1);
        (0..10_000).for_each(|_| pace.record_success());
        assert!(!pace.is_exhausted() && pace.limit() == MOST);
    }
}
