//! The harness of the tests: an engine whose network can fail, the service with a clock that stands
//! still, clients with real tokens, and calls.
//!
//! ```ignore
//! let crm = Service::start().await.crm().await;
//! let jan = crm.create_user("jan").await;
//! crm.patch(&jan.path, json!({ "given_name": "Jan" })).if_match(&jan.tag).await.is(200);
//! ```
//!
//! Requests go through the functions' own routers by `oneshot`, so a test sees what API Gateway's
//! callers would see, and each answer carries the capacity that it cost. Nothing here sleeps: the
//! clock of the rules is moved by hand, and where the SDK waits, tokio's time is paused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a test's tool fails by panicking, where the test can see it"
)]

mod answer;
mod authenticator;
mod browser;
mod call;
mod codes;
mod credentials;
mod engine;
mod everything;
mod faults;
mod fixtures;
mod form;
mod gate;
mod keys;
mod lag;
mod mails;
mod people;
mod publisher;
mod service;
mod signed_in;
mod snapshot;
mod throughput;

pub use answer::Answer;
pub use authenticator::{Authenticator, Parts, attestation_object, flag};
pub use browser::{Browser, Page};
pub use call::{Call, escape};
pub use codes::{CHALLENGE, GiveCode, ORIGIN, PersonClient, REDIRECT_URI, VERIFIER};
pub use engine::{Engine, endpoint};
pub use everything::{Everything, Setting};
pub use faults::{Fault, Faults, RecordedCall};
pub use fixtures::{Resource, person, without_tag, without_tags};
pub use form::Form;
pub use gate::Gate;
pub use keys::{ALGORITHMS, KeyPair, base64url, fresh, jwks, part, with};
pub use mails::{MAIL_FROM, MailSeen, Postbox};
pub use people::{Issuer, Person, link, profiles};
pub use publisher::{Publisher, Reply};
pub use service::{BASE, Client, START, Service, TENANT, scripts};
pub use signed_in::SignedIn;
pub use snapshot::Snapshot;
