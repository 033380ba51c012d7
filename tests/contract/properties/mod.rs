//! The properties of attribute definitions, each on every path that writes or reads (rule A3).

mod definitions;
mod later;
mod own;
mod paths;
mod predefined;
mod profile;
mod unique;
