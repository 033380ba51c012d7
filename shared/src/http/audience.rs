//! For which system a call is, where a route is about what is for systems (rule CO-10).

use super::call::Call;
use crate::domain::error::{Error, Result};
use crate::domain::id::{PartyId, WrongShape};

impl Call {
    /// The system for which a call is, if it is for one: a client that is bound to systems calls for
    /// one of its own.
    pub fn audience(&self, named: Option<PartyId>) -> Result<Option<PartyId>> {
        let systems = self.caller.grants.systems.as_slice();
        match (systems, named) {
            ([], named) => Ok(named),
            (systems, Some(named)) if systems.contains(&named) => Ok(Some(named)),
            (_, Some(_)) => Err(Error::NotFound),
            ([only], None) => Ok(Some(only.clone())),
            (_, None) => {
                let detail = "this client is bound to several systems; name one as `audience`";
                Err(Error::Malformed(detail.to_owned()))
            }
        }
    }

    /// As [`Call::audience`], by the query.
    pub fn asked_audience(&self) -> Result<Option<PartyId>> {
        let named = self.query("audience").map(str::parse::<PartyId>).transpose();
        let named = named.map_err(|error: WrongShape| {
            Error::Malformed(format!("query parameter `audience`: {error}"))
        })?;
        self.audience(named)
    }
}
