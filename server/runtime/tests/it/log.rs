//! What the server logs, kept apart by thread: a test has one of its own.
//!
//! The subscriber is the process's and there from the first toy on. One that comes and goes with a
//! test races with the other tests: a place that is passed for the first time while nobody listens
//! is remembered as one that nobody listens to.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use serde_json::Value;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to keep what is logged.
pub(crate) fn keep() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| tracing_subscriber::fmt().json().with_writer(|| Lines).init());
}

/// Forgets what this thread has logged.
pub(crate) fn clear() {
    LINES.with_borrow_mut(Vec::clear);
}

/// What this thread has logged.
pub(crate) fn text() -> String {
    LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap())
}

/// What this thread has logged under a message.
pub(crate) fn lines(message: &str) -> Vec<Value> {
    let text = text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["fields"]["message"] == message).collect()
}
