//! The way in which profiles are written: one pipeline for every author and every reason.
//!
//! ```text
//!   Author ──┐                                                       companions
//!            ▼                                                           │
//!   read ─► propose ─► approve ─► derive ─► prepare ─────────────────► commit ─► outcome
//!    ▲      the edit   policies   scripts   next version, index entries  │
//!    └───────────────────────────────────────────────────────────────────┘
//!                    somebody else was faster: read again
//! ```
//!
//! 1. **Read**: the current user in the table; none for a new user.
//! 2. **Propose**: the caller's edit makes the profile as it is to be.
//! 3. **Approve**: attributes whose approval policy does not name the author are refused, or become
//!    a change request.
//! 4. **Derive**: scripts compute derived attributes if what they see has changed.
//! 5. **Prepare**: the version, the entity tag and the index entries that the write leaves.
//! 6. **Commit**: the user, its index entries and the companions of the write (an idempotency
//!    record, the status of a change request, a principal) in one transaction.
//!
//! A [`Policy`] holds the differences between requests, imports, sign-ins, approvals and
//! recomputation. [`ProfileWriter::create`] and [`ProfileWriter::change`] run all stages; a
//! sign-in, which finds its user in other ways, calls [`ProfileWriter::prepare`] and
//! [`ProfileWriter::commit`] itself.
//!
//! An [`AccountWriter`] commits a user together with credentials and sessions: by stages 4 to 6.
//!
//! INVARIANT: stages 4 and 6 are called here and nowhere else, so no write gets round a rule.

mod account;
mod address;
mod client_consents;
mod derive;
mod pipeline;
mod policy;
mod sessions;

pub use self::account::{Account, AccountChange, AccountCommit, AccountWriter};
pub use self::address::make_room;
pub use self::pipeline::{CommitAttempt, PreparedProfile, ProfileWriter, WriteOutcome};
pub use self::policy::{DerivationMode, OnUnapproved, Policy, WriteTarget};
pub use self::sessions::SessionStart;
