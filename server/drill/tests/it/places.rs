//! Makes the kernel fail at every place there is, and audits what is left.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use symbolon_drill::{Load, MIGRATIONS, audit, handlers, load, settings};
use symbolon_kernel::faults::{self, Action, POINTS};
use symbolon_kernel::{Kernel, Location, machine_clock};
use tempfile::TempDir;

/// Loads a new database with a place armed, and tells what the audit finds.
async fn drill(location: &Location, armed: Option<(&str, Action)>) -> Vec<String> {
    let kernel =
        Kernel::open_with(location, &[MIGRATIONS], machine_clock(), settings()).await.unwrap();
    faults::disarm_all();
    kernel.start(handlers()).await.unwrap();
    if let Some((name, action)) = armed {
        faults::arm(name, action, 3);
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let acknowledged = Arc::clone(&told);
    let small = Load { seed: 1, callers: 4, orders: 3 };
    load(&kernel, small, move |done| acknowledged.lock().unwrap().push(done)).await;
    // A place in what follows may be armed yet: the kernel has to come over it.
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 48);
    let findings = audit(&kernel, location, &told, Duration::from_secs(20)).await;
    kernel.shutdown().await.unwrap();
    findings.unwrap_or_else(|error| vec![error.to_string()])
}

fn fresh(folder: &Path, name: &str) -> Location {
    folder.join(name).join("drill.sqlite").into()
}

/// One test, because the places are the process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_kernel_fails_nothing_is_lost_and_nothing_happens_twice() {
    let folder = TempDir::new().unwrap();
    assert_eq!(drill(&fresh(folder.path(), "none"), None).await, [""; 0]);
    let hits = faults::hits();
    let unhit: Vec<_> = POINTS.iter().filter(|point| !hits.contains_key(*point)).collect();
    assert_eq!(unhit, [&""; 0], "places that nothing passes");
    for point in POINTS {
        for action in [Action::Error, Action::Panic, Action::Delay(Duration::from_millis(10))] {
            let name = format!("{point}-{action:?}").replace(['(', ')'], "");
            let findings = drill(&fresh(folder.path(), &name), Some((point, action))).await;
            assert_eq!(findings, [""; 0], "{point} {action:?}");
        }
    }
}
