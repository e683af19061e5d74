//! What generated code says of one channel over WebSocket.

use std::fmt::Debug;

use symbolon_wire::socket::Message;

use crate::{DecodeError, Incoming, Info, Outgoing};

/// One channel of a contract: generated, and a few lines long.
pub trait Channel: Send + Sync + 'static {
    /// Parameters of the handshake.
    type Request: Send + Sync + 'static;
    /// The errors that the contract documents of the handshake.
    type Error: Debug + Send + 'static;
    /// What callers send.
    type Sent: Message;
    /// What the server sends.
    type Received: Message;
    /// What the contract says of the handshake as a whole.
    const INFO: Info;
    /// What may be spoken (`Sec-WebSocket-Protocol`), the preferred first.
    const PROTOCOLS: &'static [&'static str] = &[];

    /// Writes the handshake. What cannot be written is remembered by `out` and ends it.
    fn encode(request: &Self::Request, out: &mut Outgoing);

    /// Reads what the server answered to a handshake instead of opening a connection.
    ///
    /// # Errors
    /// When it is no error that the contract documents.
    fn decode(incoming: &Incoming) -> Result<Self::Error, DecodeError>;
}
