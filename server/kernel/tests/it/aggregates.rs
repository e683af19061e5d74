//! What a stream folds to, with and without a snapshot.

use serde::{Deserialize, Serialize};
use symbolon_kernel::{Aggregate, BoxError, Envelope, Expected, Kernel};

use crate::fixture::{Home, happened, tenant, thing, unit};

/// The sum of the numbers of a thing, and how many events were applied in this process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sum {
    total: i64,
    #[serde(skip)]
    applied: usize,
}

impl Aggregate for Sum {
    const TYPE: &'static str = "Thing";
    const SHAPE: u32 = 1;

    fn apply(state: Option<Self>, event: &Envelope) -> Result<Self, BoxError> {
        let number = event.data["number"].as_i64().ok_or("no number")?;
        let (total, applied) = state.map_or((0, 0), |state| (state.total, state.applied));
        Ok(Self { total: total + number, applied: applied + 1 })
    }
}

/// The same in another form.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    number: i64,
}

impl Aggregate for Last {
    const TYPE: &'static str = "Thing";
    const SHAPE: u32 = 2;

    fn apply(_: Option<Self>, event: &Envelope) -> Result<Self, BoxError> {
        Ok(Self { number: event.data["number"].as_i64().ok_or("no number")? })
    }
}

async fn sum(kernel: &Kernel) -> (i64, i64, usize) {
    let mut view = kernel.read(&tenant("acme")).await.unwrap();
    let folded = view.fold::<Sum>("a").await.unwrap().unwrap();
    (folded.state.total, folded.version, folded.state.applied)
}

#[tokio::test]
async fn a_long_stream_is_folded_from_a_snapshot() {
    let home = Home::new();
    let kernel = home.open().await;
    let mut first = unit(&kernel, "acme").await;
    assert!(first.fold::<Sum>("a").await.unwrap().is_none());
    first.append(&thing("a"), Expected::New, (1..=100).map(happened).collect()).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(sum(&kernel).await, (5050, 100, 100));

    let mut second = unit(&kernel, "acme").await;
    let folded = second.fold::<Sum>("a").await.unwrap().unwrap();
    assert_eq!(folded.version, 100);
    let expected = Expected::Version(folded.version);
    second.append(&thing("a"), expected, vec![happened(1)]).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(sum(&kernel).await, (5051, 101, 1), "one event after the snapshot");

    // A snapshot of another form is not read, and is replaced.
    let mut third = unit(&kernel, "acme").await;
    let last = third.fold::<Last>("a").await.unwrap().unwrap();
    assert_eq!((last.state, last.version), (Last { number: 1 }, 101));
    third.commit().await.unwrap();
    assert_eq!(sum(&kernel).await, (5051, 101, 101));
    let mut other = kernel.read(&tenant("other")).await.unwrap();
    assert!(other.fold::<Sum>("a").await.unwrap().is_none());
}
