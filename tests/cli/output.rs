//! Colours, streams that are closed or full, and what developers are told.

use std::fs::File;
use std::io;

use crate::folder::Folder;

const ESCAPE: char = '\u{1b}';

/// Of a failure, in an environment with these variables.
fn stderr(variables: &[(&str, &str)], args: &[&str]) -> String {
    let folder = variables
        .iter()
        .fold(Folder::shop(), |folder, (name, value)| {
            folder.variable(name, value)
        });
    folder.run(args).stderr
}

#[test]
fn no_colours_in_a_pipe() {
    for args in [
        &["graph"][..],
        &["graph", "apu"],
        &["up"],
        &["up", "-vvv"],
        &["up", "--parallel", "0"],
        &["--help"],
    ] {
        let ran = Folder::shop().run(args);
        assert!(!ran.to_string().contains(ESCAPE), "{args:?}: {ran}");
    }
}

#[test]
fn colours_where_they_are_asked_for() {
    let args = ["graph", "apu"];
    let colored = |variables: &[(&str, &str)], args: &[&str]| {
        let told = stderr(variables, args);
        assert!(told.contains("the profile has no release"), "{told}");
        told.contains(ESCAPE)
    };
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &args));
    assert!(!colored(
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
        &args
    ));
    assert!(!colored(&[("CLICOLOR_FORCE", "0")], &args));
    assert!(colored(
        &[("NO_COLOR", "1")],
        &["graph", "apu", "--color", "always"]
    ));
    let forced = [("CLICOLOR_FORCE", "1")];
    assert!(!colored(&forced, &["graph", "apu", "--color", "never"]));
}

#[test]
fn an_error_in_colour() {
    let told = stderr(&[("CLICOLOR_FORCE", "1")], &["graph", "apu"]);
    insta::assert_snapshot!(told.replace(ESCAPE, "ESC"), @r"
    ESC[31merror:ESC[0m the profile has no release `apu`
    ESC[1mhint:ESC[0m it has `database`, `api`, `web` and `mail`
    ");
}

/// Of words that somebody else has chosen, by whatever way they reach a stream.
#[test]
fn foreign_words_are_no_commands_to_a_terminal_or_a_runner() {
    const HOSTILE: &str = "a\n  ::add-mask::b\r\u{1b}[0K##vso[c]\u{9b}2J\u{202e}##[d]";
    for args in [
        &["graph", HOSTILE][..],
        &[HOSTILE],
        &["up", "--parallel", HOSTILE],
        &["up", "--profile", HOSTILE],
        &["check", "--profile", HOSTILE],
        &["plan", "--context", HOSTILE],
        &["plan", "--context", HOSTILE, "-vv"],
    ] {
        for color in ["0", "1"] {
            let folder = Folder::shop().variable("CLICOLOR_FORCE", color);
            let ran = folder.run(args);
            let colored = color == "1";
            for text in [&ran.stdout, &ran.stderr] {
                let power = |line: &str| {
                    line.trim_start().starts_with("::")
                        || line.contains("##[")
                        || line.contains("##vso[")
                        || line.contains("\u{1b}[0K")
                        || line
                            .chars()
                            .any(|c| c.is_control() && !(colored && c == ESCAPE))
                        || line.contains('\u{202e}')
                };
                let bad: Vec<&str> = text.lines().filter(|line| power(line)).collect();
                assert!(bad.is_empty(), "{args:?}: {bad:?}");
            }
        }
    }
}

/// The runtime, and libraries of ours, panic where they get no descriptor.
#[test]
fn too_few_descriptors_are_an_error_and_no_panic() {
    for limit in 6..12 {
        let folder = Folder::shop();
        let own = folder.command(&["graph"]);
        let mut command = std::process::Command::new("/bin/sh");
        let script = format!("ulimit -n {limit}; exec \"$0\" graph");
        command.args(["-c", &script]).arg(own.get_program());
        command.current_dir(own.get_current_dir().unwrap());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{limit}: {told}");
        assert!(
            told.contains(&format!("only {limit} files may be open")),
            "{told}"
        );
    }
}

/// `stackctl graph | head -1`
#[test]
fn a_reader_that_went_away_is_no_error() {
    for args in [
        &["graph"][..],
        &["graph", "-o", "json"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let folder = Folder::shop();
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = folder.command(args);
        command.stdout(writer);
        let ran = folder.ended(command);
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{args:?}");
    }
}

#[test]
fn an_error_that_nobody_reads_still_has_its_exit_code() {
    let folder = Folder::shop();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = folder.command(&["graph", "apu"]);
    command.stderr(writer);
    assert_eq!(folder.ended(command).code, Some(2));
}

/// It is no bug of ours, and must not ask for a report.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full() {
    let folder = Folder::shop();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = folder.command(&["graph"]);
    command.stdout(full);
    insta::assert_snapshot!(folder.ended(command), @r"
    stderr:
    error: stdout can't be written to: No space left on device (os error 28)
    exit code 4
    ");
}
