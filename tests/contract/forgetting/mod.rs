//! A person with everything is forgotten, whatever happens at the same time and wherever it is
//! interrupted (rules D1, D7, D9).

mod checking;
mod crashes;
pub mod interleaving;
mod leaving;
mod operations;
mod searching;
