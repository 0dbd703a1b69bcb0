use crate::folder::{Folder, assert_not_asked};

#[test]
fn a_cluster_that_does_not_answer() {
    insta::assert_snapshot!(Folder::shop().run(&["logs", "--init", "-f"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
}

#[test]
fn what_is_wrong_on_the_command_line_is_told_before_the_cluster_is_asked() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["logs", "-c", "web["]), @r"
    stderr:
    error: `web[` is not a regular expression: unclosed character class
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "--follow", "--previous"]), @r"
    stderr:
    error: the argument '--follow' cannot be used with '--previous'

    Usage: stackctl logs --follow [RELEASE]...

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "--tail", "-1"]), @r"
    stderr:
    error: unexpected argument '-1' found

      tip: to pass '-1' as a value, use '-- -1'

    Usage: stackctl logs [OPTIONS] [RELEASE]...

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "-o", "yaml"]), @r"
    stderr:
    error: invalid value 'yaml' for '--output <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["logs", "-p", "shup"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    exit code 3
    ");
    assert_not_asked(&cluster);
}

#[test]
fn records_that_are_kept_elsewhere() {
    let ran = Folder::shop().variable("HELM_DRIVER", "sql").run(&["logs"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("`HELM_DRIVER` is `sql`"), "{ran}");
}
