//! `/api/v1/sso/…`

mod parties;
mod subjects;
