//! Pages of lists: how many members they have, and how many bytes.

use super::call::Call;
use crate::domain::error::{Error, Result};

/// The members of a page when the caller sets no limit.
pub const PAGE: usize = 50;
/// The most members of a page.
pub const MAX_PAGE: usize = 100;
/// The most bytes of a page's content; it ends early rather than grow past them. The contract
/// allows 4 MB, and Lambda 6 MB for an answer in which each quote is escaped once more.
pub const MAX_PAGE_BYTES: usize = 2_500_000;

/// The size of a page, from its text.
pub fn page_size(limit: Option<&str>) -> Result<usize> {
    let size = limit.map_or(Ok(PAGE), |text| text.parse::<usize>().map_err(|_| ()));
    match size {
        Ok(size) if (1..=MAX_PAGE).contains(&size) => Ok(size),
        _ => Err(Error::Malformed(format!(
            "query parameter `limit`: expected a number from 1 to {MAX_PAGE}"
        ))),
    }
}

impl Call {
    /// The size of the page that the query asks for.
    pub fn page_size(&self) -> Result<usize> {
        page_size(self.query("limit"))
    }
}
