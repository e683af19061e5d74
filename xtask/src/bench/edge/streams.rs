//! Many event streams at once.

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Server;

/// A tenant has so many of them.
const OF_A_TENANT: usize = 50;

/// Opens event streams; each has begun. They close when they are dropped.
pub(super) async fn open(server: &Server, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let address = server.url.strip_prefix("http://").context("an http URL")?;
    let (mut open, mut token) = (Vec::new(), String::new());
    for number in 0..count {
        if number % OF_A_TENANT == 0 {
            let tenant = format!("tenant-{}", number / OF_A_TENANT);
            token = server.token(&tenant, &["calls:read"])?;
        }
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /events HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                bail!("the server hung up on event stream {number}");
            }
        }
        if !head.starts_with(b"HTTP/1.1 200") {
            bail!("event stream {number} was refused");
        }
        open.push(stream);
    }
    Ok(open)
}
