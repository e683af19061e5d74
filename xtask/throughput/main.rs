//! One JSON POST three times over, served three ways on loopback: `throughput WAY`; and a client
//! that puts the guarded one under load: `throughput load URL TOKEN SECONDS CONNECTIONS BODY`.

mod bare;
mod generated;
mod guarded;
mod handwritten;
mod load;

use std::time::Duration;

use axum::Router;
use symbolon_server::{DevelopmentIdentity, Grant};

/// Who signs tokens, and for whom.
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "orders";

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, url, token, seconds, connections, body] = arguments.as_slice()
        && command == "load"
    {
        let lasts = Duration::from_secs(seconds.parse()?);
        println!("{}", load::run(url, token, lasts, connections.parse()?, body).await?);
        return Ok(());
    }
    tracing_subscriber::fmt().json().with_writer(std::io::sink).init();
    let identity = DevelopmentIdentity::open("identity", ISSUER, AUDIENCE)?;
    let router: Router = match arguments.first().map(String::as_str) {
        Some("generated") => generated::router(&identity)?,
        Some("handwritten") => handwritten::router(&identity)?,
        Some("bare") => bare::router(&identity)?,
        _ => return Err("usage: throughput generated|handwritten|bare".into()),
    };
    let token = identity.mint(&Grant {
        subject: "somebody".to_owned(),
        tenant: "acme".to_owned(),
        scopes: vec!["orders:write".to_owned()],
        lifetime: Duration::from_secs(3600),
    })?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{} {token}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
