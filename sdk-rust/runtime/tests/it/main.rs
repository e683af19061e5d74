//! The client against a loopback server: what it sends, what it makes of what comes back.
#![allow(clippy::unwrap_used)]

mod bodies;
mod calls;
mod keyring;
mod pages;
mod peer;
mod pets;
mod retries;
mod server;
mod servers;
mod sockets;
mod streams;
