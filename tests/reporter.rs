//! Recorded runs, replayed: the recordings pin the wire format, and every display is looked at
//! in the sizes it has to fit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use stackctl::event::{
    CancelReason, ContainerRole, ContainerView, Counts, Event, EventKind, Evidence, Health,
    HookPhase, Outcome, PlannedRelease, PodChanged, SCHEMA, Verb, Verdict, VerdictClass,
};
use stackctl::memory::StackRecord;
use stackctl::names::{ReleaseId, RunId};
use stackctl::output::{Palette, Size, Stream};
use stackctl::reporter::history;
use stackctl::reporter::json::Json;
use stackctl::reporter::plain::Plain;
use stackctl::reporter::quiet::Quiet;
use stackctl::reporter::status::{self, Condition, Overview, Share, StackStatus, StatusRow};
use stackctl::reporter::tty::Tty;
use stackctl::reporter::{Now, Reporter, summary, tree};
use stackctl::state::{Phase, RunState};

const UNICODE: Palette = Palette {
    color: false,
    unicode: true,
};
const SIZES: [(usize, usize); 3] = [(120, 40), (80, 24), (40, 10)];
const RECORDINGS: [(&str, &str); 6] = [
    ("oro-up", include_str!("fixtures/recordings/oro-up.ndjson")),
    (
        "init-exits",
        include_str!("fixtures/recordings/init-exits.ndjson"),
    ),
    (
        "deadline",
        include_str!("fixtures/recordings/deadline.ndjson"),
    ),
    (
        "interrupted",
        include_str!("fixtures/recordings/interrupted.ndjson"),
    ),
    (
        "wild-logs",
        include_str!("fixtures/recordings/wild-logs.ndjson"),
    ),
    ("down", include_str!("fixtures/recordings/down.ndjson")),
];

fn recording(name: &str) -> Vec<Event> {
    let (_, text) = RECORDINGS.iter().find(|(known, _)| *known == name).unwrap();
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ten ticks a second, as in life.
fn replay(reporter: &mut dyn Reporter, events: &[Event]) {
    let start = events[0].at;
    let mut clock = Duration::ZERO;
    for event in events {
        let elapsed = Duration::from_millis(event.elapsed_ms);
        while clock < elapsed {
            let at = start + clock;
            reporter.tick(Now { elapsed: clock, at });
            clock += Duration::from_millis(100);
        }
        reporter.handle(event);
    }
    reporter.finish().unwrap();
}

fn plain(name: &str, palette: Palette, width: Option<usize>) -> String {
    let memory = Memory::default();
    let mut reporter = Plain::new(Stream::new(memory.clone()), palette, width);
    replay(&mut reporter, &recording(name));
    memory.text()
}

fn state_at(name: &str, elapsed: Duration) -> (RunState, Now) {
    let events = recording(name);
    let mut state = RunState::default();
    for event in &events {
        if Duration::from_millis(event.elapsed_ms) <= elapsed {
            state.apply(event);
        }
    }
    let at = events[0].at + elapsed;
    (state, Now { elapsed, at })
}

#[test]
fn a_recording_is_written_as_it_was_read() {
    for (name, text) in RECORDINGS {
        for (number, line) in text.lines().enumerate() {
            let event: Event = serde_json::from_str(line).unwrap();
            let written = serde_json::to_string(&event).unwrap();
            // Characters may be escaped in more than one way; the order of keys counts.
            let read: Value = serde_json::from_str(line).unwrap();
            assert_eq!(written, read.to_string(), "{name}:{}", number + 1);
            assert!(written.starts_with("{\"type\":"), "{name}:{}", number + 1);
            assert_eq!(event.seq, number as u64 + 1, "{name}");
        }
    }
}

#[test]
fn the_recordings_know_every_event_but_the_degraded() {
    let mut seen: Vec<String> = Vec::new();
    for (_, text) in RECORDINGS {
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            seen.push(value["type"].as_str().unwrap().to_owned());
        }
    }
    seen.sort();
    seen.dedup();
    insta::assert_snapshot!(seen.join(" "), @"container-log hook-changed object-changed pod-changed pod-gone release-blocked release-cancelled release-deployed release-failed release-ready release-removed release-started release-waiting run-cancelling run-finished run-started warning");
}

#[test]
fn readers_ignore_unknown_fields() {
    fn extend(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.values_mut().for_each(extend);
                fields.insert("novelty".into(), json!({"deep": [1, null, "text"]}));
            }
            Value::Array(items) => items.iter_mut().for_each(extend),
            _ => {}
        }
    }
    for (name, text) in RECORDINGS {
        for line in text.lines() {
            let mut value: Value = serde_json::from_str(line).unwrap();
            extend(&mut value);
            let extended: Event = serde_json::from_value(value).unwrap();
            let plain: Event = serde_json::from_str(line).unwrap();
            assert_eq!(extended, plain, "{name}");
        }
    }
}

#[test]
fn json_is_the_wire_format() {
    let memory = Memory::default();
    let mut reporter = Json::new(Stream::new(memory.clone()));
    let events = recording("init-exits");
    replay(&mut reporter, &events);
    let parse = |line| serde_json::from_str::<Event>(line).unwrap();
    let read: Vec<Event> = memory.text().lines().map(parse).collect();
    assert_eq!(read, events);
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end() {
    let mut json = Json::new(Stream::new(Full));
    for event in recording("down") {
        json.handle(&event);
    }
    let error = json.finish().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

fn trees(name: &str, moments: &[f64], palette: &Palette) -> String {
    let mut text = String::new();
    for moment in moments {
        let (state, now) = state_at(name, Duration::from_secs_f64(*moment));
        for (columns, rows) in SIZES {
            writeln!(text, "=== {moment} s, {columns}x{rows}").unwrap();
            for line in tree::draw(&state, now, Size { rows, columns }, palette) {
                writeln!(text, "{line}").unwrap();
            }
        }
    }
    text
}

#[test]
fn the_tree_of_a_good_run() {
    insta::assert_snapshot!(trees("oro-up", &[5.0, 22.5, 46.5, 70.0, 81.3], &UNICODE));
}

#[test]
fn the_tree_of_a_failure() {
    insta::assert_snapshot!(trees("init-exits", &[54.0, 63.2], &UNICODE));
}

#[test]
fn the_tree_at_the_deadline() {
    insta::assert_snapshot!(trees("deadline", &[15.0, 200.0, 240.3], &UNICODE));
}

/// Thirty releases: three ready, one failed, two that it blocks, the rest at work with a pod
/// each, every fifth of them in trouble.
#[test]
fn the_tree_of_a_crowd_keeps_what_matters() {
    let mut state = RunState::default();
    let id = |number: u32| -> ReleaseId { format!("service-{number:02}").parse().unwrap() };
    let mut kinds = vec![run_started(Verb::Up, (0..30).map(id))];
    for number in 0..30 {
        let release = id(number);
        kinds.push(EventKind::ReleaseStarted {
            release: release.clone(),
        });
        kinds.push(match number {
            0..3 => EventKind::ReleaseReady { release },
            3 => EventKind::ReleaseFailed {
                release,
                verdict: Verdict {
                    class: VerdictClass::Certain,
                    sentence: "the image does not exist".into(),
                    chain: Vec::new(),
                    evidence: Vec::new(),
                    hints: Vec::new(),
                },
            },
            4 | 5 => EventKind::ReleaseBlocked {
                release,
                by: vec![id(3)],
            },
            _ => EventKind::PodChanged(PodChanged {
                pod: format!("{release}-7d9f6b8c5d-kx2lp"),
                owner: format!("deployment/{release}"),
                release,
                status: "Init:0/1".into(),
                ready: "0/1".into(),
                restarts: 0,
                created: Timestamp::UNIX_EPOCH,
                outgoing: false,
                containers: vec![ContainerView {
                    name: "migrate".into(),
                    role: ContainerRole::Init,
                    position: Some((1, 1)),
                    state: if number % 5 == 0 { "exit 1" } else { "running" }.into(),
                    since: Some(Timestamp::UNIX_EPOCH),
                    ready: false,
                    restarts: 0,
                }],
            }),
        });
    }
    for (seq, kind) in kinds.into_iter().enumerate() {
        state.apply(&event(kind, seq as u64, 0));
    }
    let elapsed = Duration::from_secs(75);
    let at = Timestamp::UNIX_EPOCH + elapsed;
    let draw = |(columns, rows)| {
        tree::draw(
            &state,
            Now { elapsed, at },
            Size { rows, columns },
            &UNICODE,
        )
        .join("\n")
    };
    insta::assert_snapshot!(SIZES.map(draw).join("\n===\n"));
}

#[test]
fn the_tree_says_what_a_container_lacks() {
    let release: ReleaseId = "app".parse().unwrap();
    let pod = "app-597495c9c-6t6ms";
    let kinds = [
        run_started(Verb::Up, [release.clone()]),
        EventKind::ReleaseStarted {
            release: release.clone(),
        },
        EventKind::PodChanged(PodChanged {
            release: release.clone(),
            pod: pod.into(),
            owner: "deployment/app".into(),
            status: "CreateContainerConfigError".into(),
            ready: "0/1".into(),
            restarts: 0,
            created: Timestamp::UNIX_EPOCH,
            outgoing: false,
            containers: vec![ContainerView {
                name: "main".into(),
                role: ContainerRole::Main,
                position: None,
                state: "waiting: CreateContainerConfigError".into(),
                since: None,
                ready: false,
                restarts: 0,
            }],
        }),
        EventKind::ReleaseWaiting {
            release,
            on: format!("{pod} `main` CreateContainerConfigError: secret \"database\" not found"),
            since: None,
        },
    ];
    let mut state = RunState::default();
    for (seq, kind) in kinds.into_iter().enumerate() {
        state.apply(&event(kind, seq as u64, 0));
    }
    let elapsed = Duration::from_secs(5);
    let at = Timestamp::UNIX_EPOCH + elapsed;
    let size = Size {
        rows: 10,
        columns: 100,
    };
    let tree = tree::draw(&state, Now { elapsed, at }, size, &UNICODE);
    let row = tree.iter().find(|row| row.contains(pod)).unwrap();
    assert_eq!(
        row.trim(),
        format!("{pod}  container main CreateContainerConfigError: secret \"database\" not found")
    );
}

#[test]
fn the_tree_of_a_down_without_unicode() {
    insta::assert_snapshot!(trees("down", &[4.0, 30.0], &Palette::default()));
}

#[test]
fn a_good_run_as_lines() {
    insta::assert_snapshot!(plain("oro-up", UNICODE, None));
}

#[test]
fn a_failure_as_lines() {
    insta::assert_snapshot!(plain("init-exits", UNICODE, None));
}

#[test]
fn a_deadline_as_lines_with_signs_of_life() {
    insta::assert_snapshot!(plain("deadline", UNICODE, Some(80)));
}

#[test]
fn an_interrupted_run_as_lines() {
    insta::assert_snapshot!(plain("interrupted", UNICODE, Some(80)));
}

#[test]
fn a_down_as_lines_without_unicode() {
    insta::assert_snapshot!(plain("down", Palette::default(), None));
}

/// An operator's definitions are ready one after the other, each in an event.
#[test]
fn definitions_are_one_line() {
    let lines = |definitions: usize, more: bool| {
        let started = json!({"type": "run-started", "schema": 1, "run": "20260302-090000-9f3a",
            "verb": "up", "stack": "op", "namespace": "op", "context": "kind", "releases": [
                {"id": "op", "namespace": "op", "name": "op", "chart": "op-1.0.0", "needs": []}]});
        let object = |kind: &str, name: &str, health: &str| {
            json!({"type": "object-changed", "release": "op", "kind": kind, "namespace": null,
                "name": name, "health": health, "reason": "", "ready": u32::from(health == "ready"),
                "desired": 1})
        };
        let mut all = vec![(0, started)];
        all.push((100, json!({"type": "release-started", "release": "op"})));
        if more {
            all.push((200, object("Deployment", "op", "progressing")));
        }
        for at in 0..definitions {
            let name = format!("d{at}.example.com");
            all.push((
                200,
                object("CustomResourceDefinition", &name, "progressing"),
            ));
        }
        for at in 0..definitions {
            let name = format!("d{at}.example.com");
            let time = 300 + 10 * u64::try_from(at).unwrap();
            all.push((time, object("CustomResourceDefinition", &name, "ready")));
        }
        all.push((
            900,
            json!({"type": "release-deployed", "release": "op", "revision": 1}),
        ));
        all.push((5000, json!({"type": "release-ready", "release": "op"})));
        let events = all.into_iter().zip(1..).map(|((elapsed, mut event), seq)| {
            let at = recording("oro-up")[0].at + Duration::from_millis(elapsed);
            event["seq"] = json!(seq);
            event["at"] = json!(at);
            event["elapsed_ms"] = json!(elapsed);
            serde_json::from_value(event).unwrap()
        });
        let memory = Memory::default();
        let mut reporter = Plain::new(Stream::new(memory.clone()), Palette::default(), None);
        replay(&mut reporter, &events.collect::<Vec<Event>>());
        let text = memory.text();
        let lines = text.lines().filter(|line| line.contains("efinition"));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        lines(23, true),
        ["0.9s  op  23 CustomResourceDefinitions ready"]
    );
    assert_eq!(
        lines(1, true),
        ["0.9s  op  customresourcedefinition/d0.example.com ready"]
    );
    assert_eq!(
        lines(23, false),
        [""; 0],
        "that the release is ready says it"
    );
}

#[test]
fn wild_logs_as_lines() {
    let text = plain("wild-logs", UNICODE, None);
    let harmless = |c: char| c == '\n' || !c.is_control();
    assert!(text.chars().all(harmless));
    let short: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("| fetch: file"))
        .collect();
    insta::assert_snapshot!(short.join("\n"));
}

/// The last lines of a removal of `a` and `b`, some of which were not there.
fn removal(untouched: &[&str]) -> String {
    let id = |id: &str| -> ReleaseId { id.parse().unwrap() };
    let began = run_started(Verb::Down, [id("a"), id("b")]);
    let ended = |name: &&str| EventKind::ReleaseRemoved {
        release: id(name),
        kept: Vec::new(),
        untouched: untouched.contains(name),
    };
    let finished = EventKind::RunFinished {
        outcome: Outcome::Removed,
        counts: Counts::default(),
    };
    let ends = ["a", "b"].iter().map(ended);
    let kinds = [began].into_iter().chain(ends).chain([finished]);
    let events = kinds.zip(1..).map(|(kind, seq)| event(kind, seq, 1000));
    let memory = Memory::default();
    let mut reporter = Plain::new(Stream::new(memory.clone()), UNICODE, None);
    replay(&mut reporter, &events.collect::<Vec<_>>());
    memory.text()
}

#[test]
fn what_was_not_there_is_not_called_removed() {
    insta::assert_snapshot!(removal(&["a"]), @r"
       1.0s  crowd  down: 2 releases, namespace crowd, context kind-crowd
       1.0s  a      not installed: there is nothing to remove
       1.0s  b      removed

    ✔ crowd: 1 release removed in 1s, 1 with nothing to remove
    ");
    insta::assert_snapshot!(removal(&["a", "b"]), @r"
       1.0s  crowd  down: 2 releases, namespace crowd, context kind-crowd
       1.0s  a      not installed: there is nothing to remove
       1.0s  b      not installed: there is nothing to remove

    ✔ crowd: there was nothing to remove
    ");
}

#[test]
fn summaries_fit_their_width() {
    for (name, _) in RECORDINGS {
        let (state, _) = state_at(name, Duration::from_secs(3600));
        for (columns, _) in SIZES {
            for line in summary::lines(&state, Some(columns), &UNICODE) {
                let command = line.trim_start().starts_with("kubectl ");
                // Commands and logs are for copying: they are left whole.
                let foreign = command || line.starts_with("    ");
                let width = console::measure_text_width(&line);
                assert!(foreign || width <= columns, "{name}: {line}");
            }
        }
    }
    let (state, _) = state_at("init-exits", Duration::from_secs(3600));
    insta::assert_snapshot!(summary::lines(&state, Some(60), &UNICODE).join("\n"));
}

#[test]
fn quiet_speaks_only_of_what_went_wrong() {
    let quiet = |name| {
        let memory = Memory::default();
        let mut reporter = Quiet::new(Stream::new(memory.clone()), UNICODE, None);
        replay(&mut reporter, &recording(name));
        memory.text()
    };
    assert_eq!(quiet("oro-up"), "");
    assert!(quiet("deadline").contains("order-food the deadline passed while"));
}

/// As much of a terminal as [`Tty`] makes use of, endlessly wide: its lines, and the cursor.
#[derive(Default)]
struct Terminal {
    lines: Vec<String>,
    row: usize,
    hidden: bool,
}

impl Terminal {
    fn show(bytes: &str) -> Terminal {
        let mut terminal = Terminal::default();
        let mut rest = bytes;
        while let Some(c) = rest.chars().next() {
            if let Some(sequence) = rest.strip_prefix("\x1b[") {
                let is_end = |c: char| c.is_ascii_alphabetic();
                let end = sequence.find(is_end).unwrap();
                let (parameters, tail) = sequence.split_at(end);
                terminal.control(parameters, &tail[..1]);
                rest = &tail[1..];
                continue;
            }
            terminal.print(c);
            rest = &rest[c.len_utf8()..];
        }
        terminal
    }

    fn print(&mut self, c: char) {
        while self.lines.len() <= self.row {
            self.lines.push(String::new());
        }
        match c {
            '\n' => self.row += 1,
            '\r' => {}
            c => self.lines[self.row].push(c),
        }
    }

    fn control(&mut self, parameters: &str, function: &str) {
        match (parameters, function) {
            ("?25", "l") => self.hidden = true,
            ("?25", "h") => self.hidden = false,
            ("?2026", _) => {}
            (rows, "A") => self.row -= rows.parse::<usize>().unwrap(),
            ("", "J") => self.lines.truncate(self.row),
            ("", "K") => {
                if let Some(line) = self.lines.get_mut(self.row) {
                    line.clear();
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn tty(name: &str, size: Size) -> (Tty, Memory, Vec<Event>) {
    let memory = Memory::default();
    let reporter = Tty::new(Stream::new(memory.clone()), UNICODE, move || size);
    (reporter, memory, recording(name))
}

const WIDE: Size = Size {
    rows: 40,
    columns: 2000,
};

#[test]
fn a_terminal_keeps_what_plain_output_prints() {
    for name in ["oro-up", "init-exits", "interrupted", "wild-logs"] {
        let (mut reporter, memory, events) = tty(name, WIDE);
        replay(&mut reporter, &events);
        let terminal = Terminal::show(&memory.text());
        let plain = plain(name, UNICODE, Some(WIDE.columns));
        assert_eq!(
            terminal.lines.join("\n").trim_end(),
            plain.trim_end(),
            "{name}"
        );
        assert!(!terminal.hidden);
    }
}

#[test]
fn nothing_is_drawn_when_nothing_is_new() {
    let (mut reporter, memory, events) = tty("oro-up", WIDE);
    let now = Now {
        elapsed: Duration::from_millis(200),
        at: events[0].at,
    };
    events[..5].iter().for_each(|event| reporter.handle(event));
    reporter.tick(now);
    let drawn = memory.text().len();
    assert!(drawn > 0);
    let soon = |milliseconds| Now {
        elapsed: now.elapsed + Duration::from_millis(milliseconds),
        ..now
    };
    reporter.handle(&events[5]);
    reporter.tick(soon(10));
    assert_eq!(memory.text().len(), drawn, "two drawings within 50 ms");
    reporter.tick(soon(60));
    let drawn = memory.text().len();
    reporter.tick(soon(120));
    assert_eq!(memory.text().len(), drawn, "the same picture twice");
}

#[test]
fn a_run_that_breaks_off_leaves_its_lines_and_no_picture() {
    let (mut reporter, memory, events) = tty("oro-up", WIDE);
    events[..20].iter().for_each(|event| reporter.handle(event));
    let elapsed = Duration::from_secs(3);
    let at = events[0].at + elapsed;
    reporter.tick(Now { elapsed, at });
    assert!(
        Terminal::show(&memory.text())
            .lines
            .join("\n")
            .contains("0/9 ready")
    );
    reporter.handle(&Event {
        kind: EventKind::Warning {
            release: None,
            message: "the last word".into(),
        },
        seq: 21,
        at,
        elapsed_ms: 3000,
    });
    drop(reporter);
    let terminal = Terminal::show(&memory.text());
    let text = terminal.lines.join("\n");
    assert!(!text.contains("0/9 ready"), "{text}");
    assert!(text.contains("the last word"), "{text}");
    assert!(!terminal.hidden);
}

fn status_row(release: &str, state: Condition) -> StatusRow {
    StatusRow {
        release: release.parse().unwrap(),
        namespace: "oro".parse().unwrap(),
        revision: Some(3),
        state,
        ready: Some(Share { done: 1, all: 1 }),
        init: None,
        restarts: 0,
        deployed: Some("2026-03-02T08:00:00Z".parse().unwrap()),
        reason: None,
        verdict: None,
    }
}

/// The old one is an orphan until it is removed.
#[test]
fn a_release_that_has_moved_is_told_apart_by_its_namespace() {
    let old = StatusRow {
        namespace: "before".parse().unwrap(),
        ..status_row("app", Condition::Orphaned)
    };
    let rows = [
        status_row("app", Condition::Ready),
        old,
        status_row("web", Condition::Ready),
    ];
    let overview = Overview {
        stacks: vec![StackStatus {
            stack: "oro".parse().unwrap(),
            namespace: "oro".parse().unwrap(),
            context: "kind".into(),
            releases: rows.into(),
        }],
        unseen: Vec::new(),
    };
    let now = "2026-03-02T09:00:00Z".parse().unwrap();
    let text = status::lines(&overview, now, None, &UNICODE).join("\n");
    let names = text.lines().filter_map(|line| line.split("  ").next());
    let names: Vec<&str> = names.filter(|it| it.starts_with(['a', 'w'])).collect();
    assert_eq!(names, ["app in oro", "app in before", "web"], "{text}");
}

fn crash() -> Verdict {
    Verdict {
        class: VerdictClass::Certain,
        sentence: "init container `cache-warmup` of pod php-fpm-7d9f6b8c5d-kx2lp failed 5 times \
                   with exit code 3:\n\u{1b}[31mrelation \"oro_config\" does not exist"
            .into(),
        chain: vec![
            "deployment/php-fpm".into(),
            "pod/php-fpm-7d9f6b8c5d-kx2lp".into(),
            "init container cache-warmup".into(),
        ],
        evidence: vec![
            Evidence::Log {
                pod: "php-fpm-7d9f6b8c5d-kx2lp".into(),
                container: "cache-warmup".into(),
                attempt: 5,
                lines: vec![
                    "warming up".into(),
                    format!("\u{1b}[2Jin /var/www/{}.php", "long/".repeat(20)),
                ],
            },
            Evidence::Status {
                object: "pod/php-fpm-7d9f6b8c5d-kx2lp".into(),
                reason: "Error".into(),
                message: "exit code 3".into(),
            },
        ],
        hints: vec!["`stackctl logs php-fpm --init`".into()],
    }
}

fn overview() -> Overview {
    let php = StatusRow {
        ready: Some(Share { done: 0, all: 2 }),
        init: Some(Share { done: 2, all: 4 }),
        restarts: 12,
        deployed: Some("2026-03-02T08:57:50Z".parse().unwrap()),
        reason: Some(crash().sentence),
        verdict: Some(crash()),
        ..status_row("php-fpm", Condition::Failed)
    };
    let websocket = StatusRow {
        ready: Some(Share { done: 0, all: 1 }),
        reason: Some("websocket-6c9-x2x container websocket running, not ready".into()),
        ..status_row("websocket", Condition::Progressing)
    };
    let webserver = StatusRow {
        revision: None,
        ready: None,
        deployed: None,
        ..status_row("webserver", Condition::Missing)
    };
    let stack = |name: &str, releases| StackStatus {
        stack: name.parse().unwrap(),
        namespace: "oro".parse().unwrap(),
        context: "kind-oro".into(),
        releases,
    };
    let database = status_row("database", Condition::Ready);
    Overview {
        stacks: vec![
            stack("oro", vec![database, php, websocket, webserver]),
            stack("empty", Vec::new()),
        ],
        unseen: vec!["not allowed to list replicasets in namespace `oro`".into()],
    }
}

const NINE: &str = "2026-03-02T09:00:00Z";

#[test]
fn the_history_fits_its_terminal() {
    let run = |run: &str, verb: &str, since: &str, end: Value| {
        let by = json!({"run": run, "verb": verb, "host": "runner-3", "user": "ann", "pid": 4711,
            "since": since, "commit": "0123456789abcdef0123456789abcdef01234567"});
        json!({"by": by, "end": end})
    };
    let end = |at: &str, outcome: &str, ends: &[(&str, &str)]| {
        let one = |(id, end): &(&str, &str)| json!({"id": id, "end": end, "revision": 1});
        let releases: Vec<Value> = ends.iter().map(one).collect();
        json!({"at": at, "outcome": outcome, "releases": releases})
    };
    let mut went_back = end(
        "2026-01-03T09:20:30Z",
        "failed",
        &[("database", "ready"), ("web", "ready")],
    );
    went_back["back"] = json!({"to": "20260101-120000-0001", "failed": ["web"]});
    let record = json!({
        "schema": 1, "stack": "oro", "namespace": "shop", "profile": "oro.yaml", "releases": [],
        "sets": [{"run": "20260101-120000-0001", "at": "2026-01-01T12:03:07Z", "releases": {"web": 1}}],
        "runs": [
            run("20260101-120000-0001", "up", "2026-01-01T12:00:00Z",
                end("2026-01-01T12:03:07Z", "ready", &[("database", "unchanged"), ("web", "ready")])),
            run("20260103-090000-0002", "up", "2026-01-03T09:00:00Z",
                end("2026-01-03T09:00:41Z", "failed", &[("database", "ready"), ("web", "failed"), ("cron", "failed"), ("shop", "blocked")])),
            run("20260103-092000-0004", "up", "2026-01-03T09:20:00Z", went_back),
            run("20260103-093000-0003", "rollback", "2026-01-03T09:30:00Z", Value::Null),
        ],
    });
    let record: StackRecord = serde_json::from_value(record).unwrap();
    let now: Timestamp = "2026-01-03T09:31:00Z".parse().unwrap();
    let back = [RunId::foreign("20260101-120000-0001")];
    let mut text = String::new();
    for (width, _) in SIZES {
        let lines = history::lines(&record, &back, now, Some(width), &UNICODE);
        assert!(
            lines
                .iter()
                .all(|line| console::measure_text_width(line) <= width)
        );
        writeln!(text, "--- {width}\n{}", lines.join("\n")).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_status_table() {
    let now: Timestamp = NINE.parse().unwrap();
    let page = |width| status::lines(&overview(), now, width, &UNICODE).join("\n");
    let pages = [Some(120), Some(80), Some(40), None].map(page);
    insta::assert_snapshot!(pages.join("\n---\n"));
    insta::assert_json_snapshot!(overview().stacks[0].releases[1]);
}

#[test]
fn the_status_under_watch_fits_its_terminal() {
    let now: Timestamp = NINE.parse().unwrap();
    let picture = |(columns, rows)| {
        let size = Size { rows, columns };
        status::picture(&overview(), now, size, &UNICODE).join("\n")
    };
    insta::assert_snapshot!(SIZES.map(picture).join("\n===\n"));
    for rows in 1..50 {
        for columns in [1, 7, 20, 40, 80, 120] {
            let size = Size { rows, columns };
            let picture = status::picture(&overview(), now, size, &Palette::default());
            assert!(picture.len() <= rows.saturating_sub(1).max(1), "{size:?}");
            for line in &picture {
                let width = console::measure_text_width(line);
                assert!(width <= columns, "{size:?}: {line:?}");
                assert!(!line.contains('\u{1b}'), "{line:?}");
            }
        }
    }
}

/// Of a crowd in a small terminal, what is not ready stays in sight.
#[test]
fn the_status_under_watch_of_a_crowd_shows_what_matters() {
    let now: Timestamp = NINE.parse().unwrap();
    let mut overview = overview();
    let ready = (0..30).map(|number| status_row(&format!("ready-{number}"), Condition::Ready));
    let crowd: Vec<StatusRow> = ready.collect();
    overview.stacks[0].releases.splice(0..1, crowd);
    let size = Size {
        rows: 24,
        columns: 80,
    };
    let picture = status::picture(&overview, now, size, &UNICODE);
    insta::assert_snapshot!(picture.join("\n"));
}

#[test]
fn the_status_under_watch_as_lines() {
    let mut overview = overview();
    let mut changes = status::Changes::default();
    let mut tell = |overview: &Overview, seconds| {
        changes.lines(overview, Duration::from_secs(seconds), &UNICODE)
    };
    let mut lines = tell(&overview, 0);
    assert_eq!(tell(&overview, 1), [""; 0]);
    // An age or a restart is no news.
    overview.stacks[0].releases[1].restarts += 1;
    overview.stacks[0].releases[2] = status_row("websocket", Condition::Ready);
    lines.extend(tell(&overview, 75));
    insta::assert_snapshot!(lines.join("\n"));
    let at = NINE.parse().unwrap();
    let mut changes = status::Changes::default();
    assert_eq!(changes.rows(&overview, at).len(), 4);
    overview.stacks[0].releases[1].restarts += 1;
    let rows = changes.rows(&overview, at);
    let told: Vec<&str> = rows
        .iter()
        .map(|row| row.release.release.as_str())
        .collect();
    assert_eq!(told, ["php-fpm"]);
}

#[test]
fn a_degraded_release_is_open_again() {
    let id: ReleaseId = "a".parse().unwrap();
    let mut state = RunState::default();
    let kinds = [
        EventKind::ReleaseStarted {
            release: id.clone(),
        },
        EventKind::ReleaseReady {
            release: id.clone(),
        },
        EventKind::ReleaseDegraded {
            release: id.clone(),
            reason: "pod gone".into(),
        },
    ];
    for (seq, kind) in kinds.into_iter().enumerate() {
        state.apply(&event(kind, seq as u64, seq as u64 * 1000));
    }
    let release = state.release(&id).unwrap();
    assert_eq!(release.phase, Phase::Waiting);
    assert_eq!(release.ended, None);
    assert_eq!(release.waiting.as_ref().unwrap().on, "pod gone");
    assert_eq!(state.counts(), Counts::default());
}

fn run_started(verb: Verb, ids: impl IntoIterator<Item = ReleaseId>) -> EventKind {
    let planned = |id: ReleaseId| PlannedRelease {
        id: id.clone(),
        namespace: "crowd".parse().unwrap(),
        name: id.into(),
        chart: "service-1.0.0".into(),
        needs: Vec::new(),
    };
    EventKind::RunStarted {
        schema: SCHEMA,
        run: RunId::new(Timestamp::UNIX_EPOCH, 1),
        verb,
        stack: "crowd".parse().unwrap(),
        namespace: "crowd".parse().unwrap(),
        context: "kind-crowd".into(),
        releases: ids.into_iter().map(planned).collect(),
    }
}

fn event(kind: EventKind, seq: u64, elapsed_ms: u64) -> Event {
    Event {
        kind,
        seq,
        at: Timestamp::UNIX_EPOCH + Duration::from_millis(elapsed_ms),
        elapsed_ms,
    }
}

fn matching(pattern: &str) -> impl Strategy<Value = String> + use<> {
    prop::string::string_regex(pattern).unwrap()
}

fn id() -> impl Strategy<Value = ReleaseId> {
    matching("[a-c]|[a-z]{30}|[d-g]-[0-9]{1,2}").prop_map(|text| text.parse().unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        matching("\\PC{0,40}"),
        matching("(?s).{0,40}"),
        matching("(pod-[a-c]-[x-z] )?(init 1/2 `[a-c]` )?.{0,200}"),
        matching("exit [0-9]|signal 9|running|done|pending|waiting: [A-Z][a-z]+"),
        matching("(a |\n)? {0,4}(::|##\\[|##vso\\[|section_start:1:a\r\u{1b}\\[0K)[a-z]{3}"),
    ]
}

/// What a CI runner takes for a command, and what moves a cursor.
fn has_power(text: &str) -> bool {
    let command = |line: &str| {
        line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[")
    };
    text.lines().any(command) || text.chars().any(|c| c != '\n' && c.is_control())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0i64..20_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn role() -> impl Strategy<Value = ContainerRole> {
    use ContainerRole::{Hook, Init, Main, Sidecar};
    prop::sample::select(vec![Init, Sidecar, Main, Hook])
}

fn container() -> impl Strategy<Value = ContainerView> {
    let position = prop::option::of((any::<u32>(), any::<u32>()));
    let since = prop::option::of(moment());
    (
        matching("[a-c]"),
        role(),
        position,
        text(),
        since,
        any::<bool>(),
        0u32..4,
    )
        .prop_map(
            |(name, role, position, state, since, ready, restarts)| ContainerView {
                name,
                role,
                position,
                state,
                since,
                ready,
                restarts,
            },
        )
}

fn pod() -> impl Strategy<Value = EventKind> {
    let containers = prop::collection::vec(container(), 0..4);
    (
        id(),
        matching("pod-[a-c]-[x-z]"),
        text(),
        text(),
        any::<bool>(),
        containers,
    )
        .prop_map(|(release, pod, owner, status, outgoing, containers)| {
            EventKind::PodChanged(PodChanged {
                release,
                pod,
                owner,
                status,
                ready: "0/1".into(),
                restarts: 0,
                created: Timestamp::UNIX_EPOCH,
                outgoing,
                containers,
            })
        })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use VerdictClass::{Certain, Expired, Likely};
    let class = prop::sample::select(vec![Certain, Likely, Expired]);
    let lines = prop::collection::vec(text(), 0..30);
    (class, text(), lines).prop_map(|(class, sentence, lines)| Verdict {
        class,
        chain: lines.iter().take(3).cloned().collect(),
        hints: lines.iter().take(2).cloned().collect(),
        evidence: vec![
            Evidence::Helm {
                lines: lines.clone(),
            },
            Evidence::Status {
                object: sentence.clone(),
                reason: sentence.clone(),
                message: sentence.clone(),
            },
        ],
        sentence,
    })
}

fn kind() -> impl Strategy<Value = EventKind> {
    let planned = prop::collection::vec((id(), id()), 0..12);
    let started = (planned, any::<bool>(), text()).prop_map(|(releases, up, context)| {
        EventKind::RunStarted {
            schema: SCHEMA,
            run: RunId::new(Timestamp::UNIX_EPOCH, 1),
            verb: if up { Verb::Up } else { Verb::Down },
            stack: "stack".parse().unwrap(),
            namespace: "space".parse().unwrap(),
            context,
            releases: releases
                .into_iter()
                .map(|(id, need)| PlannedRelease {
                    namespace: "space".parse().unwrap(),
                    name: id.clone().into(),
                    chart: "chart-1".into(),
                    needs: vec![need],
                    id,
                })
                .collect(),
        }
    });
    let object = (id(), matching("[a-c]"), text(), 0u32..3, any::<u32>()).prop_map(
        |(release, name, reason, ready, desired)| EventKind::ObjectChanged {
            release,
            kind: "Deployment".into(),
            namespace: None,
            name,
            health: if ready > 1 {
                Health::Ready
            } else {
                Health::Failed
            },
            reason,
            ready,
            desired,
        },
    );
    let hook =
        (id(), text(), any::<bool>()).prop_map(|(release, name, running)| EventKind::HookChanged {
            release,
            kind: "Job".into(),
            name,
            phase: if running {
                HookPhase::Running
            } else {
                HookPhase::Failed
            },
        });
    let log = (id(), matching("pod-[a-c]-[x-z]"), role(), 0u32..3, text()).prop_map(
        |(release, pod, role, attempt, line)| EventKind::ContainerLog {
            release,
            pod,
            container: "c".into(),
            role,
            attempt,
            line,
        },
    );
    prop_oneof![
        1 => started,
        3 => pod(),
        2 => object,
        1 => hook,
        1 => log,
        2 => id().prop_map(|release| EventKind::ReleaseStarted { release }),
        2 => (id(), any::<u32>())
            .prop_map(|(release, revision)| EventKind::ReleaseDeployed { release, revision }),
        1 => (id(), any::<u32>(), any::<bool>()).prop_map(|(release, revision, verified)| {
            EventKind::ReleaseUnchanged { release, revision, verified }
        }),
        1 => (id(), any::<u32>())
            .prop_map(|(release, to)| EventKind::ReleaseRollingBack { release, to }),
        2 => (id(), text(), prop::option::of(moment()))
            .prop_map(|(release, on, since)| EventKind::ReleaseWaiting { release, on, since }),
        1 => id().prop_map(|release| EventKind::ReleaseReady { release }),
        1 => (id(), text())
            .prop_map(|(release, reason)| EventKind::ReleaseDegraded { release, reason }),
        1 => (id(), verdict())
            .prop_map(|(release, verdict)| EventKind::ReleaseFailed { release, verdict }),
        1 => (id(), id())
            .prop_map(|(release, by)| EventKind::ReleaseBlocked { release, by: vec![by] }),
        1 => id().prop_map(|release| EventKind::ReleaseCancelled { release }),
        1 => id().prop_map(|release| EventKind::ReleaseRemoved { release, kept: vec!["persistentvolumeclaim/data".into()], untouched: false }),
        1 => (id(), matching("pod-[a-c]-[x-z]")).prop_map(|(release, pod)| EventKind::PodGone { release, pod }),
        1 => (prop::option::of(id()), text())
            .prop_map(|(release, message)| EventKind::Warning { release, message }),
        1 => Just(EventKind::RunCancelling { reason: CancelReason::Deadline }),
        1 => Just(EventKind::RunRollingBack {
            to: RunId::foreign("20260101-000000-0001"),
            releases: Vec::new(),
            left: Vec::new(),
        }),
        1 => Just(EventKind::RunFinished {
            outcome: Outcome::Failed,
            counts: Counts::default(),
        }),
    ]
}

/// Some runs begin as they should, most don't.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let timed = prop::collection::vec((kind(), 0u64..4_000_000), 0..60);
    timed.prop_map(|kinds| {
        let numbered = kinds.into_iter().enumerate();
        numbered
            .map(|(seq, (kind, elapsed))| event(kind, seq as u64, elapsed))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_fits_any_terminal(
        events in events(),
        first in kind().prop_filter("a beginning", |kind| matches!(kind, EventKind::RunStarted { .. })),
        size in (0usize..50, 0usize..130),
        elapsed in 0u64..4_000_000,
        unicode in any::<bool>(),
        color in any::<bool>(),
    ) {
        let mut state = RunState::default();
        state.apply(&event(first, 0, 0));
        events.iter().for_each(|event| state.apply(event));
        let (rows, columns) = size;
        let now = Now {
            elapsed: Duration::from_millis(elapsed),
            at: Timestamp::UNIX_EPOCH + Duration::from_millis(elapsed),
        };
        let lines = tree::draw(&state, now, Size { rows, columns }, &Palette { color, unicode });
        prop_assert!(lines.len() <= rows.saturating_sub(2));
        prop_assert!(!lines.is_empty() || rows <= 2);
        for line in &lines {
            prop_assert!(console::measure_text_width(line) <= columns, "{line:?}");
            let bare = console::strip_ansi_codes(line);
            prop_assert!(!bare.chars().any(char::is_control), "{line:?}");
        }
        let counts = state.counts();
        let all = counts.ready + counts.removed + counts.failed + counts.blocked + counts.cancelled;
        prop_assert!(all as usize <= state.releases.len());
    }

    #[test]
    fn no_order_of_events_stops_a_reporter(events in events()) {
        let memory = Memory::default();
        let mut plain = Plain::new(Stream::new(memory.clone()), UNICODE, Some(60));
        let size = Size { rows: 20, columns: 60 };
        let drawn = Memory::default();
        let mut tty = Tty::new(Stream::new(drawn.clone()), UNICODE, move || size);
        let (quietly, lines) = (Memory::default(), Memory::default());
        let mut quiet = Quiet::new(Stream::new(quietly.clone()), UNICODE, None);
        let mut json = Json::new(Stream::new(lines.clone()));
        for event in &events {
            let elapsed = Duration::from_millis(event.elapsed_ms);
            let now = Now { elapsed, at: event.at };
            for reporter in [&mut plain as &mut dyn Reporter, &mut tty, &mut quiet, &mut json] {
                reporter.handle(event);
                reporter.tick(now);
            }
        }
        plain.finish().unwrap();
        tty.finish().unwrap();
        quiet.finish().unwrap();
        for written in [memory.text(), quietly.text(), lines.text()] {
            prop_assert!(!has_power(&written), "{}", written);
        }
        // Its own codes move the cursor.
        let drawn = drawn.text();
        prop_assert!(!drawn.contains("##[") && !drawn.contains("##vso["), "{}", drawn);
        let read: Vec<Event> = lines.text().lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        prop_assert_eq!(read, events);
    }
}
