//! `kith import` and `kith export` as people run them: the built program against a service that it serves itself.

mod export;
mod program;
mod resume;
mod wrong;
