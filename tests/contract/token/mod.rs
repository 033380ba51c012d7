//! `/idhub/oidc/…`: tokens, keys, metadata, and how access tokens are verified.

mod access;
mod endpoint;
mod keys;
mod refresh;
mod rotation;
