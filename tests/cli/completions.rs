use std::process::Command;

use crate::folder::{Folder, output};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];
const VERBS: [&str; 7] = [
    "up",
    "down",
    "status",
    "logs",
    "graph",
    "completions",
    "man",
];

fn script(shell: &str) -> String {
    let ran = Folder::empty().run(&["completions", shell]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    ran.stdout
}

#[test]
fn every_shell_gets_every_verb_and_no_hidden_one() {
    for shell in SHELLS {
        let script = script(shell);
        for word in VERBS.iter().chain(&["kube-context", "follow"]) {
            assert!(script.contains(word), "{shell}: no {word}");
        }
        assert!(!script.contains("__leash"), "{shell}");
    }
}

#[test]
fn a_shell_that_is_not_known() {
    insta::assert_snapshot!(Folder::empty().run(&["completions", "tcsh"]), @r"
    stderr:
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(Folder::empty().run(&["completions"]), @r"
    stderr:
    error: the following required arguments were not provided:
      <SHELL>

    Usage: stackctl completions <SHELL>

    For more information, try '--help'.
    exit code 2
    ");
}

/// Where there is a bash: it reads the script without a complaint and completes with it.
#[test]
fn bash_completes_verbs_flags_and_values() {
    if which::which("bash").is_err() {
        return;
    }
    let complete = |line: &str| {
        let script = format!(
            "{}\nCOMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _stackctl stackctl \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\"",
            script("bash")
        );
        let mut bash = Command::new("bash");
        let output = output(bash.args(["--norc", "--noprofile", "-c", &script]));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.is_empty() && output.status.success(), "{stderr}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    };
    assert_eq!(complete("stackctl gr"), "graph");
    assert_eq!(complete("stackctl logs --prev"), "--previous");
    assert_eq!(complete("stackctl graph --format d"), "dot");
}
