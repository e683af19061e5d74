//! Load on the guarded operation: each request has a key of its own, which `oha` cannot do. It
//! tells what it saw in the words of `oha`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Error;

pub async fn run(
    url: &str,
    token: &str,
    lasts: Duration,
    connections: usize,
    body: &str,
) -> Result<serde_json::Value, Error> {
    let address = url.strip_prefix("http://").ok_or("an http URL")?;
    let (host, path) = address.split_once('/').ok_or("a URL with a path")?;
    let started = Instant::now();
    let until = started + lasts;
    let mut tasks = Vec::new();
    for connection in 0..connections {
        let before = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             authorization: Bearer {token}\r\ncontent-length: {}\r\n\
             idempotency-key: {}-{connection}-",
            body.len(),
            std::process::id()
        );
        let caller = Caller { host: host.to_owned(), before, body: body.to_owned() };
        tasks.push(tokio::spawn(caller.call(until)));
    }
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for task in tasks {
        for (status, count) in task.await?? {
            *statuses.entry(status).or_default() += count;
        }
    }
    let rate = statuses.values().sum::<u64>() as f64 / started.elapsed().as_secs_f64();
    Ok(serde_json::json!({
        "summary": { "requestsPerSec": rate },
        "statusCodeDistribution": statuses,
    }))
}

struct Caller {
    host: String,
    before: String,
    body: String,
}

impl Caller {
    /// One request after the other, on one connection.
    async fn call(self, until: Instant) -> Result<BTreeMap<String, u64>, Error> {
        let mut statuses = BTreeMap::new();
        let mut stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        let mut answer = Vec::with_capacity(4096);
        let mut number = 0_u64;
        while Instant::now() < until {
            number += 1;
            let request = format!("{}{number}\r\n\r\n{}", self.before, self.body);
            stream.write_all(request.as_bytes()).await?;
            let status = read(&mut stream, &mut answer).await?;
            *statuses.entry(status).or_default() += 1;
        }
        Ok(statuses)
    }
}

/// The status of an answer, once all of it is there.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<String, Error> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the server hung up".into());
        }
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end])?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let length = length.ok_or("an answer tells its length")??;
        if answer.len() >= end + 4 + length {
            return Ok(head.get(9..12).ok_or("an answer has a status")?.to_owned());
        }
    }
}
