use serde_json::json;

use super::*;
use crate::mask::Masker;

fn key() -> Key {
    Key::new([7; 32])
}

fn base(revision: u32) -> Base {
    Base {
        revision,
        is_unfinished: false,
    }
}

fn compared(before: Option<Value>, after: After) -> Compared {
    Compared {
        object: "deployment/web".into(),
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        before,
        after,
        note: None,
        may_go_once_ready: false,
    }
}

fn deployment(image: &str, replicas: u64) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {"name": "web", "resourceVersion": image, "generation": replicas},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "web", "image": image}]}},
        },
        "status": {"replicas": replicas},
    })
}

#[test]
fn a_change_names_its_fields_and_the_pods_that_are_made_anew() {
    let one = compared(
        Some(deployment("web:1", 3)),
        After::Is(deployment("web:2", 3)),
    );
    let preview = one.preview(&key()).unwrap();
    assert_eq!(preview.change, Change::Change);
    let paths: Vec<&str> = preview
        .fields
        .iter()
        .map(|field| field.path.as_str())
        .collect();
    assert_eq!(paths, ["spec.template.spec.containers[web].image"]);
    assert_eq!(one.restart().unwrap().pods, 3);
}

#[test]
fn more_replicas_restart_nothing() {
    let one = compared(
        Some(deployment("web:1", 1)),
        After::Is(deployment("web:1", 2)),
    );
    assert_eq!(one.preview(&key()).unwrap().fields[0].path, "spec.replicas");
    assert_eq!(one.restart(), None);
}

#[test]
fn what_the_server_looks_after_is_no_change() {
    let mut after = deployment("web:1", 1);
    after["metadata"]["resourceVersion"] = json!("9");
    after["status"] = json!({});
    assert_eq!(
        compared(Some(deployment("web:1", 1)), After::Is(after)).preview(&key()),
        None
    );
}

#[test]
fn no_value_of_a_secret_is_told() {
    let secret = |value: &str| json!({"kind": "Secret", "data": {"password": value}});
    let one = compared(
        Some(secret("aHVudGVyMg==")),
        After::Is(secret("aHVudGVyMw==")),
    );
    let preview = serde_json::to_string(&one.preview(&key())).unwrap();
    assert!(
        preview.contains("data.password") && preview.contains("(secret "),
        "{preview}"
    );
    assert!(
        !preview.contains("aHVudGVy") && !preview.contains("hunter"),
        "{preview}"
    );
    assert_ne!(
        key().digest(b"hunter2"),
        Key::new([8; 32]).digest(b"hunter2")
    );
}

/// The new one is known, the old one only stands where the new one does.
#[test]
fn a_secret_in_a_plain_field_is_told_by_digests() {
    let env = |value: &str| json!({"env": [{"name": "A", "value": value}], "n": value.len()});
    let mut fields = diff::fields(&env("url://u:s3cret-old@h"), &env("url://u:s3cret-newer@h"));
    let known = Masker::new(["s3cret-newer".to_owned()], []);
    secret::hide(&mut fields, &key(), &known);
    let told = serde_json::to_string(&fields).unwrap();
    assert!(
        !told.contains("s3cret") && told.contains("(secret "),
        "{told}"
    );
    assert!(told.contains("\"n\""), "{told}");
    assert_ne!(fields[0].before, fields[0].after);
}

#[test]
fn of_a_secret_only_what_tells_something_is_looked_for_elsewhere() {
    let secret = json!({
        "kind": "Secret",
        "data": {"password": "aHVudGVyMi1iaWc=", "user": "cG9zdGdyZXM="},
        "stringData": {"switch": "on", "config": "enabled: true\nserver:\n"},
    });
    let one = compared(Some(secret), After::Deleted);
    assert_eq!(secret::values(&[one]), ["hunter2-big"]);
}

#[test]
fn lists_are_compared_by_name_or_by_place() {
    let list = |items: Value| json!({"env": items});
    let before = list(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
    let after = list(json!([{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]));
    let paths: Vec<String> = diff::fields(&before, &after)
        .into_iter()
        .map(|it| it.path)
        .collect();
    assert_eq!(paths, ["env[A]", "env[C]"]);
    let fields = diff::fields(&list(json!(["a", "b"])), &list(json!(["a"])));
    assert_eq!(
        (fields[0].path.as_str(), &fields[0].after),
        ("env[1]", &None)
    );
}

/// A pending revision is closed as failed and upgraded over, one that is removed goes before an install.
#[test]
fn a_plan_that_is_kept_holds_while_what_was_left_is_put_right() {
    let saved = |base: Base| {
        let names = ("shop".parse().unwrap(), "shop".parse().unwrap());
        let mut saved = Saved::new(names.0, names.1, "kind".into(), (Vec::new(), false), key());
        let id = "web".parse().unwrap();
        saved.add(&id, &Rendered::default(), String::new(), (base, &[]));
        saved
    };
    let unfinished = |revision| Base {
        is_unfinished: true,
        ..base(revision)
    };
    let pending = saved(unfinished(4));
    assert_eq!(pending.moved(&saved(unfinished(4))), []);
    // Its helm was through after all, or another run has been at it.
    for other in [base(4), unfinished(5), base(1)] {
        assert_eq!(pending.moved(&saved(other)).len(), 1, "{other:?}");
    }
}

#[test]
fn what_goes_before_an_install_is_made_anew() {
    let mut all = [
        compared(
            Some(deployment("web:1", 1)),
            After::Is(deployment("web:1", 1)),
        ),
        compared(Some(deployment("web:1", 1)), After::Deleted),
    ];
    let object = crate::snapshot::ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    objects::remove_first(&mut all, &[object]);
    let changes = all.iter().map(|it| it.preview(&key()).unwrap().change);
    let changes: Vec<Change> = changes.collect();
    assert_eq!(changes, [Change::Create, Change::Delete]);
}

#[test]
fn a_plan_that_is_kept_knows_what_has_moved() {
    let id: ReleaseId = "web".parse().unwrap();
    let saved = |sources: &str, rendered: &str, image: &str| {
        let selected = (Vec::new(), false);
        let mut saved = Saved::new(
            "shop".parse().unwrap(),
            "shop".parse().unwrap(),
            "kind".into(),
            selected,
            key(),
        );
        let rendered = Rendered {
            text: rendered.into(),
            ..Rendered::default()
        };
        let compared = [compared(Some(deployment(image, 1)), After::New)];
        saved.add(&id, &rendered, sources.into(), (base(1), &compared));
        Saved::read(&serde_json::to_string(&saved).unwrap()).unwrap()
    };
    let then = saved("x", "a", "web:1");
    assert_eq!(then.moved(&saved("x", "a", "web:1")), []);
    assert_eq!(
        then.moved(&saved("x", "b", "web:1")),
        [Moved::Inputs(id.clone())]
    );
    // Notes, a version or labels: nothing of them is in the manifest.
    assert_eq!(
        then.moved(&saved("y", "a", "web:1")),
        [Moved::Inputs(id.clone())]
    );
    assert_eq!(
        then.moved(&saved("x", "a", "web:2")),
        [Moved::Cluster(id.clone())]
    );
}

#[test]
fn a_plan_that_is_kept_tells_of_the_orphans_that_there_were() {
    let saved = |orphans: &[&str]| {
        let (name, all) = ("shop".parse().unwrap(), (Vec::new(), false));
        let mut saved = Saved::new(name, "shop".parse().unwrap(), "kind".into(), all, key());
        let orphan = |release: &&str| Orphan {
            release: release.parse().unwrap(),
            namespace: "shop".parse().unwrap(),
        };
        saved.orphans = orphans.iter().map(orphan).collect();
        Saved::read(&serde_json::to_string(&saved).unwrap()).unwrap()
    };
    let (then, now) = (saved(&["old", "gone"]), saved(&["old", "new"]));
    let untold: Vec<&str> = then
        .untold(&now)
        .into_iter()
        .map(|it| it.release.as_str())
        .collect();
    assert_eq!(untold, ["new"]);
    assert_eq!(then.moved(&now), []);
}

/// It may be gone a moment later, and nobody has changed anything.
#[test]
fn a_job_that_goes_by_itself_does_not_move_a_plan_that_is_kept() {
    let saved = |before: Option<Value>| {
        let (name, all) = ("shop".parse().unwrap(), (Vec::new(), false));
        let mut saved = Saved::new(name, "shop".parse().unwrap(), "kind".into(), all, key());
        let one = compared(before, After::New);
        let id = "web".parse().unwrap();
        saved.add(&id, &Rendered::default(), String::new(), (base(1), &[one]));
        saved
    };
    let job = |spec: Value| Some(json!({"kind": "Job", "metadata": {"name": "j"}, "spec": spec}));
    let gone = saved(None);
    let goes = saved(job(json!({"ttlSecondsAfterFinished": 0})));
    assert_eq!(goes.moved(&gone), []);
    let stays = saved(job(json!({"backoffLimit": 0})));
    assert_eq!(stays.moved(&gone).len(), 1);
}

fn release(objects: Vec<ObjectPreview>) -> Preview {
    let (id, name) = ("web".parse().unwrap(), "web".parse().unwrap());
    let namespace: Namespace = "shop".parse().unwrap();
    let release = ReleasePreview {
        id,
        release: name,
        namespace: namespace.clone(),
        chart: "web-1.0.0".into(),
        needs: Vec::new(),
        action: Action::Upgrade,
        revision: 2,
        objects,
        unchanged: 0,
        hooks: Vec::new(),
        changed_hooks: Vec::new(),
        commands: Vec::new(),
        restarts: Vec::new(),
        warnings: Vec::new(),
        varying: vec![Varying {
            object: "secret/key".into(),
            fields: vec!["data.password".into()],
            restarts: false,
        }],
        applied: None,
        left_behind: None,
        why: None,
        hints: Vec::new(),
    };
    Preview {
        stack: "shop".parse().unwrap(),
        namespace,
        context: "kind".into(),
        releases: vec![release],
        orphans: Vec::new(),
    }
}

/// Pods that wait until somebody deletes them, or until the partition comes to them, stay.
#[test]
fn what_an_update_leaves_is_not_made_anew() {
    let of = |spec: Value| {
        let at = |image: &str| {
            let mut object = deployment(image, 3);
            object["kind"] = "StatefulSet".into();
            for (key, value) in spec.as_object().unwrap() {
                object["spec"][key] = value.clone();
            }
            object
        };
        let one = compared(Some(at("web:1")), After::Is(at("web:2")));
        one.restart().map(|it| it.pods)
    };
    assert_eq!(of(json!({})), Some(3));
    assert_eq!(of(json!({"updateStrategy": {"type": "OnDelete"}})), None);
    let partition = |at: u64| json!({"updateStrategy": {"rollingUpdate": {"partition": at}}});
    assert_eq!(of(partition(1)), Some(2));
    assert_eq!(of(partition(3)), None);
    assert_eq!(of(json!({"paused": true})), None);
}

/// One that can't be read is no reason to tell nothing of the others, and a diff of the API server's
/// stays below its object.
#[test]
fn each_object_is_told_in_its_place() {
    let object = |name: &str, change, why: Option<&str>, note: Option<&str>| ObjectPreview {
        object: format!("configmap/{name}"),
        namespace: None,
        change,
        fields: Vec::new(),
        why: why.map(str::to_owned),
        note: note.map(str::to_owned),
    };
    let mut compared = compared(None, After::Refused("it may not be read".into()));
    compared.object = "configmap/hidden".into();
    let mut preview = release(vec![
        object(
            "a",
            Change::Fail,
            Some("it is immutable:\n  {\n-   a\n+   b\n  }\n"),
            None,
        ),
        object(
            "b",
            Change::Create,
            None,
            Some("its kind comes with operator"),
        ),
    ]);
    preview.releases[0].compare(&[compared], &key());
    assert!(preview.fails());
    insta::assert_snapshot!(text(&preview, crate::output::Palette::default()), @r"
    shop in namespace shop, context kind

    ! web: would fail
      ! configmap/a: it is immutable:
            {
          -   a
          +   b
            }
      + configmap/b, its kind comes with operator
      ! configmap/hidden: it may not be read
      ? secret/key: rendered differently each time:
          data.password

    1 release that would fail
    ");
}

#[test]
fn what_varies_makes_no_kept_plan_stale_and_what_does_not_makes_it() {
    use crate::manifest::Field::{Same, Varies};
    let id: ReleaseId = "web".parse().unwrap();
    let saved = |fields: &[(&str, crate::manifest::Field)]| {
        let (stack, namespace) = ("shop".parse().unwrap(), "shop".parse().unwrap());
        let mut saved = Saved::new(stack, namespace, "kind".into(), (Vec::new(), false), key());
        let fields = fields
            .iter()
            .map(|(name, field)| ((*name).to_owned(), field.clone()));
        let rendered = Rendered {
            fields: fields.collect(),
            ..Rendered::default()
        };
        saved.add(&id, &rendered, String::new(), (base(1), &[]));
        Saved::read(&serde_json::to_string(&saved).unwrap()).unwrap()
    };
    let color = |value: &str| ("color", Same(json!(value)));
    let order = |value: &str| ("order", Same(json!(value)));
    let random = || ("order", Varies(String::new()));
    let url = |common: &str| ("url", Varies(common.into()));
    let then = saved(&[color("green"), random(), url("host")]);
    let by_chance = saved(&[color("green"), order("a,b"), url("host")]);
    assert_eq!(then.moved(&then.clone()), []);
    assert_eq!(
        (then.moved(&by_chance), by_chance.moved(&then)),
        (vec![], vec![])
    );
    let moved = [Moved::Inputs(id.clone())];
    for now in [
        saved(&[color("blue"), random(), url("host")]),
        saved(&[color("green"), random(), url("other")]),
        saved(&[random(), url("host")]),
        saved(&[
            color("green"),
            random(),
            url("host"),
            ("new", Same(json!(1))),
        ]),
    ] {
        assert_eq!(then.moved(&now), moved);
    }
}

fn same() -> Compared {
    let it = deployment("web:1", 1);
    compared(Some(it.clone()), After::Is(it))
}

fn applied(verified: bool, commands: &[&str]) -> Option<Applied> {
    Some(Applied {
        revision: 1,
        verified,
        commands: commands.iter().map(|&it| it.to_owned()).collect(),
    })
}

/// helm is let at whatever was not made of the inputs of now, and runs its hooks.
#[test]
fn an_upgrade_that_changes_no_object_is_one() {
    let hook = |name: &str| format!("post-upgrade job/{name}");
    let mut preview = release(Vec::new());
    preview.releases[0].hooks = vec![hook("migrate"), hook("warm")];
    preview.releases[0].changed_hooks = vec![hook("migrate")];
    preview.releases[0].left_behind = Some("revision 1 failed: `up` takes it up again".into());
    preview.releases[0].varying.clear();
    preview.releases[0].compare(&[same()], &key());
    assert!(preview.changes_something());
    insta::assert_snapshot!(text(&preview, crate::output::Palette::default()), @r"
    shop in namespace shop, context kind

    ~ web: upgrade to revision 2
        revision 1 failed: `up` takes it up again
        no object changes; its hooks run again
        hook post-upgrade job/migrate, changed
        hook post-upgrade job/warm
        1 object unchanged

    1 release to upgrade
    ");
}

#[test]
fn what_was_applied_needs_no_helm_and_no_hooks() {
    let mut preview = release(Vec::new());
    preview.releases[0].hooks = vec!["post-upgrade job/migrate".into()];
    preview.releases[0].commands = vec!["before helm: a".into(), "once it is ready: b".into()];
    let mut late = preview.clone();
    preview.releases[0].applied = applied(true, &[]);
    preview.releases[0].compare(&[same()], &key());
    assert!(!preview.changes_something());
    assert_eq!(preview.releases[0].hooks, [""; 0]);

    // It is waited for, and then its commands are run.
    late.releases[0].applied = applied(false, &["once it is ready: b"]);
    late.releases[0].compare(&[same()], &key());
    assert!(late.changes_something());
    assert_eq!(late.releases[0].action, Action::Unchanged);
    assert_eq!(late.releases[0].commands, ["once it is ready: b"]);
    let told = text(&late, crate::output::Palette::default());
    assert!(
        told.contains("= web: unchanged, not seen ready yet\n    once"),
        "{told}"
    );
}

/// As `up` has it: it comes back with the next upgrade, and is no reason for one.
#[test]
fn a_job_that_has_gone_after_it_was_complete_is_no_change() {
    let job = || Compared {
        object: "job/seed".into(),
        may_go_once_ready: true,
        ..compared(None, After::Is(json!({"kind": "Job"})))
    };
    let planned = |verified: bool, compared: &[Compared]| {
        let mut preview = release(Vec::new());
        preview.releases[0].applied = applied(verified, &[]);
        preview.releases[0].compare(compared, &key());
        let release = preview.releases.remove(0);
        let objects = release.objects.into_iter().map(|it| it.object).collect();
        (release.action, objects)
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&it| it.to_owned())
            .collect::<Vec<String>>()
    };
    let seed = names(&["job/seed"]);
    assert_eq!(planned(true, &[job(), same()]), (Action::Unchanged, vec![]));
    assert_eq!(planned(false, &[job(), same()]), (Action::Upgrade, seed));
    let gone = compared(None, After::New);
    let both = names(&["job/seed", "deployment/web"]);
    assert_eq!(planned(true, &[job(), gone]), (Action::Upgrade, both));
    let kept = compared(Some(deployment("web:1", 1)), After::Refused("kept".into()));
    let web = names(&["deployment/web"]);
    assert_eq!(planned(true, &[job(), kept]), (Action::Unchanged, web));
}
