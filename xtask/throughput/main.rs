//! One JSON POST with validation, served three ways on loopback: `throughput WAY`.

mod bare;
mod generated;
mod handwritten;

use axum::Router;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().json().with_writer(std::io::sink).init();
    let router: Router = match std::env::args().nth(1).as_deref() {
        Some("generated") => generated::router()?,
        Some("handwritten") => handwritten::router()?,
        Some("bare") => bare::router(),
        _ => return Err("usage: throughput generated|handwritten|bare".into()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
