//! The edge: what HTTP asks for and how it is answered.

pub mod answer;
mod audience;
mod authorisation;
pub mod body;
pub mod call;
mod caller;
mod callers;
pub mod config;
pub mod cookies;
mod correlation;
pub mod credentials;
pub mod cross_origin;
pub mod cursor;
pub mod edge;
pub mod export;
pub mod idempotency;
mod idempotency_key;
pub mod negotiation;
pub mod page;
pub mod precondition;
pub mod problem;
pub mod profile;
pub mod reason;
pub mod rejection;
pub mod route;
pub mod same_origin;

pub use answer::Answer;
pub use body::Payload;
pub use call::Call;
pub use callers::Callers;
pub use edge::serve;
pub use idempotency::IdempotencyRecorder;
pub use rejection::Rejection;
pub use route::{Body, Effect, Route};
