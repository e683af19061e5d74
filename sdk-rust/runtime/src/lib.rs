//! What generated Rust SDKs stand on: a call, its credentials, retries, pages and errors.
//!
//! Operations come generated as implementations of [`Operation`]; this crate must never know one.

mod auth;
mod base_url;
mod call;
#[cfg(feature = "sockets")]
mod channel;
mod client;
#[cfg(feature = "sockets")]
mod connection;
mod error;
mod follow;
mod incoming;
mod keyring;
#[cfg(feature = "sockets")]
mod line;
mod operation;
mod outgoing;
mod pagination;
mod retry;
#[cfg(feature = "signatures")]
mod signing;
#[cfg(feature = "sockets")]
mod socket;
mod streaming;

pub use bytes::Bytes;

pub use auth::{All, Anonymous, ApiKey, Auth, AuthError, Basic, Bearer, Credential, Credentials};
pub use base_url::{BaseUrl, OwnServer};
pub use call::{Call, Outcome};
#[cfg(feature = "sockets")]
pub use channel::Channel;
pub use client::{Client, ClientBuilder, ClientError};
pub use error::{DecodeError, EncodeError, Error, TransportError};
pub use follow::{Follow, follow};
pub use incoming::Incoming;
pub use keyring::{Keyring, Place, Secret};
pub use operation::{Info, Operation, Security};
pub use outgoing::Outgoing;
pub use pagination::{Items, Paged, Pages};
pub use retry::Retry;
#[cfg(feature = "signatures")]
pub use signing::Signing;
#[cfg(feature = "sockets")]
pub use socket::{Close, Connect, Opened, SendError, Sender, Socket, SocketError};
pub use symbolon_wire::Method;
#[cfg(feature = "signatures")]
pub use symbolon_wire::signature::{NoSecret, WebhookSecret};
#[cfg(feature = "sockets")]
pub use symbolon_wire::socket::CloseCode;
