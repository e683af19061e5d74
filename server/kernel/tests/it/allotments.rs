//! Rates that are counted together.

use std::time::Duration;

use jiff::SignedDuration;
use symbolon_kernel::{Allotted, Frequency, Kernel};

use crate::fixture::{Home, manual};

const MINUTE: Frequency = Frequency { requests: 60, window: Duration::from_secs(60) };

async fn allot(kernel: &Kernel, bucket: &str, wanted: u32) -> (u32, u64) {
    let Allotted { granted, full_in } = kernel.allot(bucket, MINUTE, wanted).await.unwrap();
    (granted, full_in.as_secs())
}

#[tokio::test]
async fn a_bucket_is_emptied_by_all_and_filled_by_time() {
    let home = Home::new();
    let (clock, told) = manual();
    let kernel = home.open_at(told).await;
    assert_eq!(allot(&kernel, "acme", 50).await, (50, 50));
    assert_eq!(allot(&kernel, "other", 1).await, (1, 1));
    // What is left, and then nothing.
    assert_eq!(allot(&kernel, "acme", 20).await, (10, 60));
    assert_eq!(allot(&kernel, "acme", 20).await, (0, 60));
    clock.advance(SignedDuration::from_secs(5));
    assert_eq!(allot(&kernel, "acme", 20).await, (5, 60));
    clock.advance(SignedDuration::from_secs(3600));
    // Never more than there are.
    assert_eq!(allot(&kernel, "acme", 1_000).await, (60, 60));
    assert_eq!(allot(&kernel, "acme", 1).await, (0, 60));
    kernel.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_ask_at_once_share_what_there_is() {
    let home = Home::new();
    let kernel = home.open().await;
    // On a server another process; on a file there is one.
    let other = if home.file().is_none() { home.open().await } else { kernel.clone() };
    let hour = Frequency { requests: 60, window: Duration::from_secs(360_000) };
    let asking = (0..40).map(|number| {
        let kernel = if number % 2 == 0 { kernel.clone() } else { other.clone() };
        tokio::spawn(async move { kernel.allot("acme", hour, 7).await.unwrap().granted })
    });
    let mut granted = 0;
    for asked in asking.collect::<Vec<_>>() {
        granted += asked.await.unwrap();
    }
    assert_eq!(granted, 60);
    other.shutdown().await.unwrap();
    kernel.shutdown().await.unwrap();
}
