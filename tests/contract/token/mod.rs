//! `/idhub/oidc/…`: tokens, keys, metadata, and how access tokens are verified.

mod access;
mod audience;
mod endpoint;
mod keys;
mod oauth2_client;
mod refresh;
mod rotation;
mod sealing;
