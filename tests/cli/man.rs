use std::process::Command;

use crate::folder::{Folder, output};

fn pages() -> String {
    let ran = Folder::empty().run(&["man"]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    ran.stdout
}

#[test]
fn a_page_for_stackctl_and_one_for_each_verb() {
    let pages = pages();
    let titles = pages.lines().filter(|line| line.starts_with(".TH"));
    let titles: Vec<&str> = titles.map(str::trim_end).collect();
    let version = concat!("\"stackctl ", env!("CARGO_PKG_VERSION"), "\"");
    let titles = titles.join("\n").replace(version, "VERSION");
    insta::assert_snapshot!(titles, @r"
    .TH stackctl 1  VERSION
    .TH stackctl-up 1  VERSION
    .TH stackctl-down 1  VERSION
    .TH stackctl-rollback 1  VERSION
    .TH stackctl-history 1  VERSION
    .TH stackctl-status 1  VERSION
    .TH stackctl-logs 1  VERSION
    .TH stackctl-plan 1  VERSION
    .TH stackctl-check 1  VERSION
    .TH stackctl-doctor 1  VERSION
    .TH stackctl-graph 1  VERSION
    .TH stackctl-init 1  VERSION
    .TH stackctl-lock 1  VERSION
    .TH stackctl-schema 1  VERSION
    .TH stackctl-completions 1  VERSION
    .TH stackctl-man 1  VERSION
    ");
    assert!(pages.contains("130  interrupted"));
    assert!(!pages.contains("__leash"));
}

/// Where there is a `man` that can set pages: it sets all of them without a warning.
#[test]
fn man_can_show_it() {
    let missing = |tool: &&str| which::which(tool).is_err();
    if ["man", "nroff"].iter().any(missing) {
        return;
    }
    let folder = Folder::empty().file("stackctl.1", &pages());
    let mut man = Command::new("man");
    man.args(["--warnings", "-P", "cat", "-l"])
        .arg(folder.path().join("stackctl.1"))
        .env("LC_ALL", "C");
    let output = output(&mut man);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let shown = String::from_utf8_lossy(&output.stdout);
    for words in ["STACKCTL", "SYNOPSIS", "bring up the whole stack"] {
        let found = shown.to_lowercase().contains(&words.to_lowercase());
        assert!(found, "{words}: {shown}");
    }
}
