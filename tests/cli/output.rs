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
