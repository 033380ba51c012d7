//! What the functions fetch from others (rule S2): how, and how often.

mod fetches;
mod keys;
