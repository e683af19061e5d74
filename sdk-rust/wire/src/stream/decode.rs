//! Items of a stream out of bytes that arrive in any pieces.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Bookmark, StreamError};

/// What begins a record of a JSON text sequence (RFC 7464).
pub(super) const RECORD_SEPARATOR: u8 = 0x1e;

/// An item longer than this is no item: nobody may fill our memory.
const LONGEST_BYTES: usize = 64 << 20;

/// An event before its payload is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawEvent {
    /// The id of this event, or the last one before it.
    pub id: Option<String>,
    /// The kind.
    pub event: Option<String>,
    /// How long to wait before coming back.
    pub retry: Option<Duration>,
    /// The payload as text.
    pub data: String,
}

/// Reads a `text/event-stream` (HTML Standard, 9.2.6).
#[derive(Debug, Default)]
pub struct EventDecoder {
    lines: Splitter,
    current: RawEvent,
    has_data: bool,
    last_id: Option<String>,
    bookmark: Bookmark,
    begun: bool,
    ready: VecDeque<RawEvent>,
}

impl EventDecoder {
    /// Takes in what arrived.
    ///
    /// # Errors
    /// When an event is too long.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.lines.push(bytes)?;
        while let Some(line) = self.lines.next_line() {
            self.line(&line)?;
        }
        Ok(())
    }

    /// The next whole event. One that is never ended by an empty line is no event.
    pub fn next_event(&mut self) -> Option<RawEvent> {
        self.ready.pop_front()
    }

    /// Where the stream is, once all its events were taken.
    pub fn bookmark(&self) -> Bookmark {
        self.bookmark.clone()
    }

    fn line(&mut self, line: &[u8]) -> Result<(), StreamError> {
        let text = String::from_utf8_lossy(line);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch();
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.current.data.len() + value.len() > LONGEST_BYTES {
                    return Err(StreamError::TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.current.data.push('\n');
                }
                self.current.data.push_str(value);
            }
            "event" => self.current.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.current.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self) {
        let mut event = std::mem::take(&mut self.current);
        let last_id = self.last_id.as_deref().filter(|id| !id.is_empty());
        self.bookmark.put(last_id, event.retry);
        if std::mem::take(&mut self.has_data) {
            event.id = last_id.map(str::to_owned);
            self.ready.push_back(event);
        }
    }
}

/// Reads JSON documents, one a line or after a record separator. Empty lines are none.
#[derive(Debug, Default)]
pub struct LineDecoder {
    lines: Splitter,
}

impl LineDecoder {
    /// Takes in what arrived.
    ///
    /// # Errors
    /// When a line is too long.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.lines.push(bytes)
    }

    /// The next whole line.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        while let Some(line) = self.lines.next_line() {
            if let Some(document) = document(&line) {
                return Some(document);
            }
        }
        None
    }

    /// The last line, once everything has arrived: it needs no break behind it.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        document(&self.lines.rest())
    }
}

fn document(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(line).trim_ascii();
    (!line.is_empty()).then(|| line.to_vec())
}

/// Bytes to lines that end with CR, LF or both.
#[derive(Debug, Default)]
struct Splitter {
    buffer: Vec<u8>,
    /// Where the next line begins.
    begin: usize,
    /// How far the buffer is known to hold no break.
    searched: usize,
    /// Whether the last line ended with a CR, to which a LF would belong.
    after_return: bool,
}

impl Splitter {
    fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.buffer.drain(..self.begin);
        self.searched -= self.begin;
        self.begin = 0;
        if self.buffer.len() + bytes.len() > LONGEST_BYTES {
            return Err(StreamError::TooLong);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        if self.after_return && self.buffer.get(self.begin) == Some(&b'\n') {
            self.begin += 1;
            self.searched = self.begin;
            self.after_return = false;
        }
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(found) = self.buffer[self.searched..].iter().position(is_break) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + found;
        let line = self.buffer[self.begin..end].to_vec();
        self.after_return = self.buffer[end] == b'\r';
        self.begin = end + 1;
        self.searched = self.begin;
        Some(line)
    }

    fn rest(&mut self) -> Vec<u8> {
        let rest = self.buffer.split_off(self.begin);
        *self = Self::default();
        rest
    }
}
