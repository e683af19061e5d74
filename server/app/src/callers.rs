//! What callers may ask of a server: from where, how often, and how many of them.

use std::str::FromStr;

use clap::Args;
use jiff::{Span, SpanRelativeTo};
use symbolon_server::{Cors, Edge, Rate, Server};

#[derive(Debug, Args)]
pub(crate) struct Callers {
    /// Let pages of this origin call, such as `https://app.example.com`; several by repeating it
    /// or between commas.
    #[arg(
        long = "allow-origin",
        env = "SYMBOLON_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    origins: Vec<String>,
    /// How many requests a tenant may make in a time, such as `600/1m` [default: any number].
    #[arg(long = "rate-limit", env = "SYMBOLON_RATE_LIMIT", value_name = "N/TIME")]
    rate: Option<Often>,
    /// How many proxies stand in front, each of which adds to `X-Forwarded-For` whom it speaks
    /// for.
    #[arg(long, env = "SYMBOLON_PROXIES", value_name = "N", default_value_t = 0)]
    proxies: usize,
    /// How many connections there are at once; for more, those go that wait longest for a request.
    #[arg(long, env = "SYMBOLON_CONNECTIONS", value_name = "N", default_value_t = 10_000)]
    connections: usize,
    /// Compress answers of text from so many bytes on, such as 1024, for callers that accept it
    /// [default: none is].
    #[arg(long = "compression", env = "SYMBOLON_COMPRESSION", value_name = "BYTES")]
    compressed_from: Option<u64>,
}

impl Callers {
    /// The edge that keeps to it.
    pub(crate) fn admit(&self, edge: Edge) -> Edge {
        let edge = edge.proxies(self.proxies);
        let edge = match &self.rate {
            Some(Often(rate)) => edge.rate_limit(*rate),
            None => edge,
        };
        let edge = match self.compressed_from {
            Some(bytes) => edge.compression(bytes),
            None => edge,
        };
        match self.origins.as_slice() {
            [] => edge,
            origins => edge.cors(Cors::of(origins)),
        }
    }

    /// The server that keeps to it.
    pub(crate) fn server(&self) -> Server {
        Server::new().connections(self.connections)
    }
}

/// So many requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Often(Rate);

impl FromStr for Often {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || "a rate limit reads 600/1m or 10/1s".to_owned();
        let (requests, time) = text.split_once('/').ok_or_else(refused)?;
        let requests =
            requests.parse().ok().filter(|requests| *requests > 0).ok_or_else(refused)?;
        let span: Span = time.parse().map_err(|_| refused())?;
        let window = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let seconds = window.map_err(|_| refused())?.as_secs();
        let window_s = u32::try_from(seconds).ok().filter(|window| *window > 0);
        Ok(Self(Rate::new(requests, window_s.ok_or_else(refused)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_is_a_number_in_a_time() {
        assert_eq!("600/1m".parse(), Ok(Often(Rate::new(600, 60))));
        assert_eq!("1/2h".parse(), Ok(Often(Rate::new(1, 7200))));
        for text in ["", "600", "600/", "/1m", "0/1m", "600/0s", "-1/1m", "600/soon", "1/10ms"] {
            assert!(text.parse::<Often>().is_err(), "{text}");
        }
    }
}
