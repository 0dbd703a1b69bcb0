//! The hidden verb that ties a helm's life to ours, whatever ends us.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::{Folder, start};

/// The longest that the end of a program may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_program_ends_with_the_parent_that_was_killed() {
    let script = "\"$0\" __leash $$ /bin/sh -c 'echo $$; exec sleep 600' & wait";
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_stackctl")])
        .stdout(Stdio::piped());
    let mut parent = start(&mut shell);
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let sleeper = Pid::from_raw(line.trim().parse().unwrap());
    assert!(kill(sleeper, None).is_ok(), "it does not sleep");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The sleeper holds the other end of the pipe: the end of the one is that of the other.
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(stdout.read_to_end(&mut Vec::new()).is_ok()));
    let ended = told.recv_timeout(PATIENCE);
    if ended.is_err() {
        let _ = kill(sleeper, Signal::SIGKILL);
    }
    assert_eq!(ended, Ok(true), "the sleeper outlived its parent");
}

/// Whoever started it has ended in between: nobody would end the program.
#[test]
fn a_program_is_not_started_for_a_parent_that_is_gone() {
    let other = (std::process::id() + 1).to_string();
    let ran = Folder::empty().run(&["__leash", &other, "/bin/echo", "started"]);
    insta::assert_snapshot!(ran, @r"
    stderr:
    error: `/bin/echo` can't be started: the parent process is gone
    exit code 126
    ");
}

#[test]
fn a_program_takes_over_the_process_and_its_exit_code() {
    let own = std::process::id().to_string();
    let ran = Folder::empty().run(&["__leash", &own, "/bin/sh", "-c", "echo up; exit 7"]);
    insta::assert_snapshot!(ran, @r"
    stdout:
    up
    exit code 7
    ");
}

#[test]
fn what_can_not_be_started() {
    let own = std::process::id().to_string();
    for args in [
        &["__leash"][..],
        &["__leash", &own],
        &["__leash", "parent", "/bin/echo"],
        &["__leash", &own, "/nowhere"],
    ] {
        let ran = Folder::empty().run(args);
        assert_eq!(ran.code, Some(126), "{args:?}: {ran}");
    }
    insta::assert_snapshot!(Folder::empty().run(&["__leash", &own, "/nowhere"]), @r"
    stderr:
    error: `/nowhere` can't be started: No such file or directory (os error 2)
    exit code 126
    ");
}
