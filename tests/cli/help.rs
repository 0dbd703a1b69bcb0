use clap::{CommandFactory, Parser};
use stackctl::cli::Cli;
use stackctl::error::Kind;

use crate::folder::Folder;

fn verbs() -> Vec<String> {
    let command = Cli::command();
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.map(|verb| verb.get_name().to_owned()).collect()
}

fn stdout(args: &[&str]) -> String {
    let ran = Folder::empty().run(args);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)), "{args:?}");
    ran.stdout
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!("stackctl", stdout(&["--help"]));
    insta::assert_snapshot!("stackctl_short", stdout(&["-h"]));
}

#[test]
fn of_every_verb() {
    for verb in verbs() {
        insta::assert_snapshot!(verb.clone(), stdout(&[&verb, "--help"]));
        insta::assert_snapshot!(format!("{verb}_short"), stdout(&[&verb, "-h"]));
        assert_eq!(stdout(&["help", &verb]), stdout(&[&verb, "--help"]));
    }
}

#[test]
fn without_a_verb() {
    let ran = Folder::empty().run(&[]);
    assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(2)));
    assert_eq!(ran.stderr, stdout(&["-h"]));
    insta::assert_snapshot!(Folder::empty().run(&["upp"]), @r"
    stderr:
    error: unrecognized subcommand 'upp'

      tip: a similar subcommand exists: 'up'

    Usage: stackctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    exit code 2
    ");
}

#[test]
fn the_version() {
    let version = concat!("stackctl ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(stdout(&["--version"]), version);
    assert_eq!(stdout(&["-V"]), version);
}

fn next(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Unexpected => Some(Kind::Usage),
        Kind::Usage => Some(Kind::Invalid),
        Kind::Invalid => Some(Kind::Environment),
        Kind::Environment => Some(Kind::ReleaseFailed),
        Kind::ReleaseFailed => Some(Kind::DeadlinePassed),
        Kind::DeadlinePassed => Some(Kind::Locked),
        Kind::Locked => Some(Kind::Changes),
        Kind::Changes => Some(Kind::Interrupted),
        Kind::Interrupted => Some(Kind::Terminated),
        Kind::Terminated => None,
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let help = stdout(&["--help"]);
    let (_, table) = help.split_once("Exit codes:\n").unwrap();
    let rows = table.lines().take_while(|line| !line.is_empty());
    let told: Vec<u8> = rows
        .map(|row| row.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    let kinds = std::iter::successors(Some(Kind::Unexpected), |&kind| next(kind));
    let codes: Vec<u8> = std::iter::once(0)
        .chain(kinds.map(Kind::exit_code))
        .collect();
    assert_eq!(told, codes);
}

/// The words of an example up to its explanation or to what the shell does with the output.
fn words(example: &str) -> Vec<String> {
    let end = ["  ", " > ", " | "]
        .iter()
        .filter_map(|end| example.find(end));
    let command = &example[..end.min().unwrap_or(example.len())];
    let words = command.split(' ').map(|word| word.trim_matches('\''));
    words.map(str::to_owned).collect()
}

#[test]
fn every_verb_has_examples_and_the_program_understands_them() {
    for verb in verbs() {
        let help = stdout(&[&verb, "--help"]);
        let examples: Vec<&str> = help
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with(&format!("stackctl {verb}")))
            .collect();
        assert!(!examples.is_empty(), "{verb} has no examples");
        for example in examples {
            let parsed = Cli::try_parse_from(words(example));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}
