//! The ways in from outside. Each transport parses, makes one call on the manager and answers; rules live below.

pub mod http;
