//! What helm itself refuses, told from its own words: each once, for the words are helm's and the
//! API server's and may change with them. `fixtures/helm` holds the rest.

use crate::support::{Ended, Stack, deployment, hook_job};

/// The release's chart is this from now on.
fn change(stack: &Stack, id: &str, template: &str) {
    let file = stack.folder().join(id).join("templates/all.yaml");
    std::fs::write(file, template).expect("a template");
}

#[track_caller]
fn says(ended: &Ended, id: &str, words: &[&str]) {
    let verdict = ended.verdict(id);
    for word in words {
        assert!(verdict.sentence.contains(word), "`{word}`: {verdict:#?}");
    }
    assert!(!verdict.sentence.starts_with("helm says"), "{verdict:#?}");
    assert!(!verdict.hints.is_empty(), "{verdict:#?}");
}

#[test]
fn a_value_that_a_template_misses() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n\
        data: {a: \"{{ .Values.app.image.tag }}\"}\n";
    let stack = Stack::new("e2e-template").release("a", template, "");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(
        &up,
        "a",
        &["`.Values.app` is not set", "`templates/all.yaml:4:"],
    );
}

#[test]
fn a_field_that_can_not_be_changed() {
    let stack = Stack::new("e2e-immutable").release("a", &deployment("a", ""), "");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    change(
        &stack,
        "a",
        &deployment("a", "").replace("app: a", "app: b"),
    );
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(&up, "a", &["`spec.selector` of deployment/a"]);
}

#[test]
fn a_kind_that_nobody_has_defined() {
    let template = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: tls}\n";
    let stack = Stack::new("e2e-kind").release("a", template, "");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(&up, "a", &["`Certificate` of `cert-manager.io/v1`"]);
}

#[test]
fn an_object_of_another_release() {
    let stack = Stack::new("e2e-owner")
        .release("a", &deployment("a", ""), "")
        .release("b", &deployment("a", ""), "needs: [a]");
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(&up, "b", &["deployment/a belongs to release `a`"]);
}

/// Its hook is for installs alone, so a second try would leave it out and look good.
#[test]
fn a_first_install_that_failed_half_way() {
    let with = |script: &str| {
        let hook = hook_job("seed", "pre-install", script);
        format!("{}---\n{hook}", deployment("a", ""))
    };
    let stack = Stack::new("e2e-half").release("a", &with("exit 3"), "");
    Ended::up(&stack.profile(), &[]).expect_code(5);
    change(&stack, "a", &with("true"));
    let up = Ended::up(&stack.profile(), &[]).expect_code(5);
    says(&up, "a", &["before hook job/seed had succeeded"]);
    Ended::of(&[
        "down",
        "--yes",
        "--profile",
        &stack.profile().to_string_lossy(),
    ])
    .expect_code(0);
    Ended::up(&stack.profile(), &[]).expect_code(0);
}
