//! Releases that can't come up, each of another cause: the sentence, and what else goes on.

use crate::support::{Ended, Stack, deployment, hook_job};

const IMAGE: &str = "image: docker.io/library/busybox:1.36";

/// Brings up one release whose only init container is this, beside one that is well.
fn verdict_of(name: &str, init: &str) -> Ended {
    let bad = deployment("bad", &format!("initContainers: [{{name: init, {init}}}]"));
    let stack = Stack::new(name)
        .release("bad", &bad, "timeout: 90s")
        .release("good", &deployment("good", ""), "")
        .release("after", &deployment("after", ""), "needs: [bad]");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    up.ready("good");
    assert_eq!(up.blocked(), ["after"]);
    up
}

#[track_caller]
fn says(up: &Ended, words: &[&str]) {
    let sentence = &up.verdict("bad").sentence;
    for word in words {
        assert!(sentence.contains(word), "`{word}` is not in `{sentence}`");
    }
}

#[test]
fn a_command_that_is_not_there() {
    let up = verdict_of(
        "e2e-command",
        &format!("{IMAGE}, command: [no-such-program]"),
    );
    says(&up, &["`init`", "no-such-program"]);
}

#[test]
fn an_exit_code_of_127() {
    let command = "command: [sh, -c, no-such-program]";
    let up = verdict_of("e2e-127", &format!("{IMAGE}, {command}"));
    says(&up, &["`init`", "127"]);
}

#[test]
fn an_image_that_can_not_be_pulled() {
    let up = verdict_of("e2e-image", "image: localhost:1/no/such:1");
    says(&up, &["localhost:1/no/such:1"]);
}

#[test]
fn a_secret_that_is_missing() {
    let env = "env: [{name: A, valueFrom: {secretKeyRef: {name: absent, key: a}}}]";
    let up = verdict_of("e2e-secret", &format!("{IMAGE}, command: ['true'], {env}"));
    says(&up, &["`absent`", "ecret"]);
}

#[test]
fn a_config_map_that_is_missing() {
    let env = "envFrom: [{configMapRef: {name: absent}}]";
    let up = verdict_of("e2e-config", &format!("{IMAGE}, command: ['true'], {env}"));
    says(&up, &["`absent`", "ConfigMap"]);
}

#[test]
fn a_hook_that_fails_is_named_with_its_log() {
    let hook = crate::support::hook_job("migrate", "pre-install", "echo no such table; exit 4");
    let stack = Stack::new("e2e-hook").release("bad", &hook, "timeout: 60s");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(&up, &["migrate", "4"]);
    assert_eq!(up.log("bad", "hook"), ["no such table"]);
}

#[test]
fn a_sidecar_is_no_init_container() {
    let sidecar = format!(
        "initContainers: [\
           {{name: side, restartPolicy: Always, {IMAGE}, command: [sleep, '600']}}, \
           {{name: first, {IMAGE}, command: [echo, hello]}}]"
    );
    let stack = Stack::new("e2e-sidecar").release("web", &deployment("web", &sidecar), "");
    let up = Ended::up(&stack.profile(), &[]).expect_code(0);
    assert_eq!(up.inits_done("web"), ["1/1 first"]);
    assert_eq!(up.log("web", "first"), ["hello"]);
}

#[test]
fn a_deadline_says_what_it_waited_for() {
    let slow = format!("initContainers: [{{name: slow, {IMAGE}, command: [sleep, '600']}}]");
    let stack = Stack::new("e2e-deadline").release("web", &deployment("web", &slow), "timeout: 8s");
    let up = Ended::up(&stack.profile(), &[]).expect_code(6);
    let sentence = &up.verdict("web").sentence;
    assert!(
        sentence.contains("8s") && sentence.contains("`slow`"),
        "{sentence}"
    );
}

/// The Job counts neither: its pod is still at work.
#[test]
fn what_is_started_again_in_the_pod_of_a_job_is_named_when_the_time_is_up() {
    let job = hook_job("again", "", "exit 3")
        .replace("  annotations: {helm.sh/hook: }\n", "")
        .replace("restartPolicy: Never", "restartPolicy: OnFailure");
    // Without a probe it counts as started if it is seen to run, and the hook goes on.
    let sidecar = format!(
        "initContainers: [{{name: side, restartPolicy: Always, {IMAGE}, command: [sh, -c, 'exit 7'], startupProbe: {{exec: {{command: ['false']}}}}}}]\n      containers:"
    );
    let hook = hook_job("hook", "post-install", "sleep 1").replace("containers:", &sidecar);
    let stack = Stack::new("e2e-job-again")
        .release("job", &job, "timeout: 40s")
        .release("hook", &hook, "timeout: 40s");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    for (id, who) in [("job", "container `hook`"), ("hook", "sidecar `side`")] {
        let verdict = up.verdict(id);
        assert!(verdict.sentence.contains(who), "{verdict:#?}");
        assert!(!verdict.evidence.is_empty(), "{verdict:#?}");
    }
}
