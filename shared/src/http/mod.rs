//! The edge: what HTTP asks for and how it is answered.

pub mod answer;
pub mod call;
pub mod config;
pub mod credentials;
pub mod cursor;
pub mod edge;
pub mod idempotency;
pub mod precondition;
pub mod problem;
pub mod profile;
pub mod rejection;
pub mod route;

pub use answer::Answer;
pub use call::Call;
pub use edge::serve;
pub use rejection::Rejection;
pub use route::{Body, Callers, Effect, Route};
