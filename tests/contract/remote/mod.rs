//! How the functions fetch documents of other servers, and how often (rule S2).

mod fetches;
mod keys;
