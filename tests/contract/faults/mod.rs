//! Faults of the network and of the table at each store call of each write (rules I2, I3): the
//! caller sees success or 503, never a refusal caused by its own write; the operation is fully in
//! or fully out; and a repeat succeeds.

mod decisions;
mod each_call;
mod effects;
mod operations;
mod retries;
mod scene;
