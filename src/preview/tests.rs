use serde_json::json;

use super::*;

fn key() -> Key {
    Key::new([7; 32])
}

fn compared(before: Option<Value>, after: After) -> Compared {
    Compared {
        object: "deployment/web".into(),
        namespace: Some("shop".into()),
        before,
        after,
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

#[test]
fn a_plan_that_is_kept_knows_what_has_moved() {
    let id: ReleaseId = "web".parse().unwrap();
    let saved = |rendered: &str, image: &str| {
        let selected = (Vec::new(), false);
        let mut saved = Saved::new(
            "shop".parse().unwrap(),
            "shop".parse().unwrap(),
            "kind".into(),
            selected,
            key(),
        );
        saved.add(
            &id,
            rendered,
            1,
            &[compared(Some(deployment(image, 1)), After::New)],
        );
        Saved::read(&serde_json::to_string(&saved).unwrap()).unwrap()
    };
    let then = saved("a", "web:1");
    assert_eq!(then.moved(&saved("a", "web:1")), []);
    assert_eq!(
        then.moved(&saved("b", "web:1")),
        [Moved::Inputs(id.clone())]
    );
    assert_eq!(
        then.moved(&saved("a", "web:2")),
        [Moved::Cluster(id.clone())]
    );
}
