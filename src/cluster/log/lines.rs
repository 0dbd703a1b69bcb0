//! Bytes of a log become lines with their timestamps.

use std::pin::Pin;

use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;

/// The longest line that a run keeps, in bytes; the kubelet's own parts are as long.
const LONGEST: usize = 16 * 1024;
/// What the kubelet answers, as a log, where there is none (k/k `kuberuntime_container.go`).
const NO_LOG: &str = "unable to retrieve container logs";

pub(in crate::cluster) type Bytes = Pin<Box<dyn AsyncBufRead + Send>>;

/// A line of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cluster) struct Line {
    pub at: Timestamp,
    pub text: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Piece {
    Line(Line),
    /// The kubelet's words that the log is gone.
    NoLog,
    /// The stream is over; a last line without its line feed may be cut, or the container's last.
    End(Option<Line>),
    /// The connection broke; what had come of a line is thrown away.
    Broken,
}

/// Reads one stream of a log that was asked for with timestamps.
pub(in crate::cluster) struct Lines {
    bytes: Bytes,
    /// The longest line that is kept, in bytes.
    longest: usize,
    line: Vec<u8>,
    /// Bytes of the line that were not kept.
    cut: usize,
}

impl Lines {
    pub fn new(bytes: Bytes) -> Lines {
        Lines::up_to(LONGEST, bytes)
    }

    /// Lines that are longer than so many bytes are cut, and say so.
    pub fn up_to(longest: usize, bytes: Bytes) -> Lines {
        Lines {
            bytes,
            longest,
            line: Vec::new(),
            cut: 0,
        }
    }

    pub async fn next(&mut self) -> Piece {
        loop {
            let Ok(chunk) = self.bytes.fill_buf().await else {
                return Piece::Broken;
            };
            if chunk.is_empty() {
                let rest = self.take();
                if rest.as_ref().is_some_and(is_no_log) {
                    return Piece::NoLog;
                }
                return Piece::End(rest.and_then(Result::ok));
            }
            let end = chunk.iter().position(|&b| b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let kept = part.len().min(self.longest.saturating_sub(self.line.len()));
            self.line.extend_from_slice(&part[..kept]);
            self.cut += part.len() - kept;
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.bytes.as_mut().consume(used);
            if end.is_some() {
                match self.take() {
                    Some(Ok(line)) => return Piece::Line(line),
                    rest if rest.as_ref().is_some_and(is_no_log) => return Piece::NoLog,
                    // The kubelet's words between the container's, such as a failed file watch.
                    _ => {}
                }
            }
        }
    }

    /// The line that was read, or the text of one without a timestamp. None for an empty one.
    fn take(&mut self) -> Option<Result<Line, String>> {
        let bytes = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        if bytes.is_empty() {
            return None;
        }
        let whole = String::from_utf8_lossy(&bytes);
        let (stamp, text) = whole.split_once(' ').unwrap_or((&whole, ""));
        let Ok(at) = stamp.parse::<Timestamp>() else {
            return Some(Err(whole.into_owned()));
        };
        let mut text = last_overwrite(text).to_owned();
        if cut > 0 {
            text.push_str(&format!(" [... {cut} bytes cut]"));
        }
        Some(Ok(Line { at, text }))
    }
}

fn is_no_log(rest: &Result<Line, String>) -> bool {
    rest.as_ref().is_err_and(|text| text.starts_with(NO_LOG))
}

/// What a terminal would still show of a line that was drawn over with carriage returns.
fn last_overwrite(text: &str) -> &str {
    let text = text.trim_end_matches('\r');
    text.rsplit_once('\r').map_or(text, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> Vec<String> {
        let bytes = futures::io::Cursor::new(text.as_bytes().to_vec());
        let mut lines = Lines::new(Box::pin(bytes));
        let mut pieces = Vec::new();
        loop {
            match lines.next().await {
                Piece::Line(line) => pieces.push(line.text),
                Piece::End(rest) => {
                    pieces.extend(rest.map(|line| format!("{} (cut)", line.text)));
                    return pieces;
                }
                other => {
                    pieces.push(format!("{other:?}"));
                    return pieces;
                }
            }
        }
    }

    #[tokio::test]
    async fn lines_lose_their_timestamps() {
        let text = "2026-10-01T12:00:00.123456789Z one\n2026-10-01T14:00:00+02:00 \n\
            2026-10-01T12:00:01Z a b\n2026-10-01T12:00:02Z rest";
        assert_eq!(read(text).await, ["one", "", "a b", "rest (cut)"]);
    }

    #[tokio::test]
    async fn progress_bars_leave_their_last_state() {
        let text = "2026-10-01T12:00:00Z 10%\r50%\r100%\r\n2026-10-01T12:00:00Z dos\r\n";
        assert_eq!(read(text).await, ["100%", "dos"]);
    }

    #[tokio::test]
    async fn the_words_of_the_kubelet_are_no_log() {
        let gone = "unable to retrieve container logs for containerd://aa";
        assert_eq!(read(gone).await, ["NoLog"]);
        assert_eq!(read(&format!("{gone}\n")).await, ["NoLog"]);
        let between = "2026-10-01T12:00:00Z one\nfailed to watch\n2026-10-01T12:00:00Z two\n";
        assert_eq!(read(between).await, ["one", "two"]);
    }

    #[tokio::test]
    async fn long_lines_are_cut_and_marked() {
        let stamp = "2026-10-01T12:00:00Z ";
        let text = format!("{stamp}{}\n{stamp}next\n", "x".repeat(LONGEST));
        let lines = read(&text).await;
        assert!(
            lines[0].ends_with("x [... 21 bytes cut]"),
            "{}",
            lines[0].len()
        );
        assert_eq!(lines[1], "next");
    }
}
