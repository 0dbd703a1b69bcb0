//! The hidden verb that ties a helm's life to ours, whatever ends us.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::{Folder, output, start};

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
    expect_end(stdout, sleeper, "the sleeper outlived its parent");
}

/// What a command has started, in a session of its own, ends when the pipe does: stackctl was killed.
#[test]
fn all_that_a_command_has_started_ends_with_the_pipe() {
    let script = "setsid sh -c 'trap \"\" TERM; sleep 600 & echo $$; wait' & trap '' TERM; wait";
    let mut tree = start_tree(script);
    let mut stdout = BufReader::new(tree.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let other = Pid::from_raw(line.trim().parse().unwrap());
    assert!(kill(other, None).is_ok(), "it is not at work");
    drop(tree.stdin.take());
    expect_end(stdout, other, "it outlived the pipe");
    tree.wait().unwrap();
}

#[test]
fn what_a_command_has_left_at_work_ends_with_it() {
    let script = "setsid sleep 600 & echo up; exit 7";
    let mut tree = start_tree(script);
    let mut said = String::new();
    let mut stdout = tree.stdout.take().unwrap();
    // The end of the sleeper is that of the output.
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "up\n");
    assert_eq!(tree.wait().unwrap().code(), Some(7));
}

/// gpg starts an agent that remembers what it was told, and so do others that read secrets.
#[test]
fn what_a_command_for_values_has_started_lives_on() {
    let script = "PATH=/usr/bin:/bin; export PATH; setsid sleep 600 > /dev/null 2>&1 & \
                  echo $! > \"$AGENT\"; echo 'a: b'";
    let profile = format!(
        "name: shop\nnamespace: shop\nreleases:\n  web:\n    chart: ../charts/web\n    \
         valuesFrom: [{{command: [/bin/sh, -c, {script:?}]}}]\n"
    );
    let folder = Folder::shop().file("profiles/shop.yaml", &profile);
    let file = folder.path().join("agent");
    let folder = folder.variable("AGENT", file.to_str().unwrap());
    let ran = output(&mut folder.command(&["check"]));
    let agent = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{ran:?}"));
    let agent = Pid::from_raw(agent.trim().parse().unwrap());
    // Whoever ends it says whether it was there.
    assert!(kill(agent, Signal::SIGKILL).is_ok(), "{ran:?}");
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

/// Runs a shell script as a command of a profile is run: its tree ends with the pipe to its stdin.
fn start_tree(script: &str) -> Child {
    let mut shell = Command::new(env!("CARGO_BIN_EXE_stackctl"));
    shell
        .args(["__tree", "/bin/sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    start(&mut shell)
}

/// The program holds the other end of the pipe: the end of the one is that of the other.
#[track_caller]
fn expect_end(mut stdout: BufReader<ChildStdout>, program: Pid, otherwise: &str) {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(stdout.read_to_end(&mut Vec::new()).is_ok()));
    let ended = told.recv_timeout(PATIENCE);
    if ended.is_err() {
        let _ = kill(program, Signal::SIGKILL);
    }
    assert_eq!(ended, Ok(true), "{otherwise}");
}
