//! The edge: what HTTP asks for and how it is answered. Status codes are known here and nowhere
//! else.

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
pub mod route;

pub use answer::Answer;
pub use call::Call;
pub use edge::serve;
pub use route::{Body, Callers, Effect, Route};
