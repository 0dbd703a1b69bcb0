//! The lines of the `logs` command.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::text;
use crate::event::ContainerRole;
use crate::output::{self, Content, Palette, Stream};

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Source {
    pub release: String,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub role: ContainerRole,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    pub palette: Palette,
    /// With the time of each line in front; JSON has it always.
    pub timestamps: bool,
    /// One object a line.
    pub json: bool,
}

/// Writes lines of several containers, each with its source in front.
pub struct Tail {
    out: Stream,
    style: Style,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    source: &'a Source,
    at: Timestamp,
    line: &'a str,
}

impl Tail {
    pub fn new(out: Stream, style: Style) -> Tail {
        let content = match style.json {
            true => Content::Json,
            false => Content::Text {
                colors: style.palette.color,
            },
        };
        let out = out.of(content);
        Tail { out, style }
    }

    /// # Errors
    /// The stream can't be written to; a reader that went away is no error.
    pub fn write(&mut self, source: &Source, at: Timestamp, line: &str) -> io::Result<()> {
        let text = match self.style.json {
            true => output::json(&Line { source, at, line })?,
            false => self.text(source, at, line),
        };
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Nobody reads any more: `stackctl logs -f | head`.
    pub fn is_over(&self) -> bool {
        self.out.is_gone()
    }

    fn text(&self, source: &Source, at: Timestamp, line: &str) -> String {
        let palette = &self.style.palette;
        let name = format!("{} {} {}", source.release, source.pod, source.container);
        let name = palette.release(color(&source.pod), &name);
        let bar = palette.dim("|");
        let line = text::clean_log(line);
        match self.style.timestamps {
            true => format!("{name} {bar} {} {line}", palette.dim(&format!("{at:.9}"))),
            false => format!("{name} {bar} {line}"),
        }
    }
}

/// The same for the same pod in every run (FNV-1a).
fn color(pod: &str) -> usize {
    let hash = pod.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn source(pod: &str) -> Source {
        Source {
            release: "web".into(),
            namespace: "shop".into(),
            pod: pod.into(),
            container: "migrate".into(),
            role: ContainerRole::Init,
        }
    }

    fn written(style: Style, line: &str) -> String {
        let memory = Memory::default();
        let mut tail = Tail::new(Stream::new(memory.clone()), style);
        let at = "2026-10-01T12:00:00.5Z".parse().unwrap();
        tail.write(&source("web-7d9f-x2x"), at, line).unwrap();
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const WILD: &str = "\u{1b}[31mred\u{1b}[0m \u{9b}2J\u{202e}\u{7f}end";

    #[test]
    fn text_has_its_source_in_front_and_no_control_sequence() {
        let style = Style::default();
        assert_eq!(written(style, WILD), "web web-7d9f-x2x migrate | red end\n");
        let style = Style {
            timestamps: true,
            ..style
        };
        assert_eq!(
            written(style, "x"),
            "web web-7d9f-x2x migrate | 2026-10-01T12:00:00.500000000Z x\n"
        );
    }

    #[test]
    fn json_says_the_line_as_it_is_and_moves_no_cursor() {
        let style = Style {
            json: true,
            ..Style::default()
        };
        let json = written(style, WILD);
        let line = json.strip_suffix('\n').unwrap();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            read,
            serde_json::json!({
                "release": "web", "namespace": "shop", "pod": "web-7d9f-x2x",
                "container": "migrate", "role": "init", "at": "2026-10-01T12:00:00.5Z",
                "line": WILD,
            })
        );
    }

    #[test]
    fn long_lines_pass_in_full() {
        let long = "x".repeat(200_000);
        assert!(written(Style::default(), &long).ends_with(&format!("| {long}\n")));
    }

    #[test]
    fn a_pod_keeps_its_colour_and_pods_differ() {
        let style = Style {
            palette: Palette {
                color: true,
                unicode: true,
            },
            ..Style::default()
        };
        assert_eq!(written(style, "x"), written(style, "x"));
        let pods = (0..60).map(|number| format!("web-7d9f6b8c5d-{number:05}"));
        let mut colors: Vec<usize> = pods.map(|pod| color(&pod) % 6).collect();
        colors.sort_unstable();
        colors.dedup();
        assert_eq!(colors, [0, 1, 2, 3, 4, 5]);
    }
}
