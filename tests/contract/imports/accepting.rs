//! What is accepted and what is refused before any row is worked.
