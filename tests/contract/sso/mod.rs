//! `/api/v1/sso/…`

mod claims;
mod parties;
mod subjects;
