//! Work and memory of one request are in proportion to the request, and tenants and people do not
//! take them from each other (rules WK1 to WK18).

mod configuration;
mod files;
mod lists;
mod people;
mod secrets;
mod shares;
mod violations;
