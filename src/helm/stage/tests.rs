use std::os::unix::fs::symlink;

use super::*;

fn chart(folder: &Path, name: &str, dependencies: &str) {
    let chart = folder.join(name);
    fs::create_dir_all(chart.join("templates")).unwrap();
    let text = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\n{dependencies}");
    fs::write(chart.join("Chart.yaml"), text).unwrap();
}

fn on(name: &str, repository: &str) -> String {
    format!("dependencies:\n  - {{name: {name}, version: 1.x, repository: \"{repository}\"}}\n")
}

fn staged(folder: &Path, name: &str) -> Result<(Staged, Vec<Wanted>), StageError> {
    let source = ChartSource::Directory(folder.join(name));
    let target = folder.join("staged").join(name);
    let copier = copy::Copier::new(&folder.join("tree"));
    let mut wanted = Vec::new();
    let staged = stage_one(&source, &target, &copier, &mut wanted)?;
    Ok((staged, wanted))
}

fn why(folder: &Path, name: &str) -> String {
    let text = staged(folder, name).unwrap_err().to_string();
    let real = folder.canonicalize().unwrap().display().to_string();
    text.replace(&folder.display().to_string(), "")
        .replace(&real, "")
}

#[test]
fn a_file_dependency_comes_along_and_the_source_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    chart(folder.path(), "common", "");
    chart(folder.path(), "web", &on("common", "file://../common"));
    let (staged, wanted) = staged(folder.path(), "web").unwrap();
    assert_eq!(staged.label, "web-1.2.3");
    assert!(staged.path.join("charts/common/Chart.yaml").is_file());
    assert!(!folder.path().join("web/charts").exists());
    assert!(wanted.is_empty());
}

#[test]
fn a_dependency_from_elsewhere_is_pulled_in_the_version_of_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let from = "https://charts.example.com";
    chart(folder.path(), "web", &on("redis", from));
    let pulled = |version| Pull::dependency(from, "redis", Some(version));
    let (_, wanted) = staged(folder.path(), "web").unwrap();
    assert_eq!(wanted[0].pull, pulled("1.x"));

    let lock = folder.path().join("web/Chart.lock");
    let locked = |name: &str| {
        format!("dependencies:\n- name: {name}\n  repository: {from}\n  version: 1.4.2\n")
    };
    fs::write(&lock, locked("redis")).unwrap();
    let (staged_now, wanted) = staged(folder.path(), "web").unwrap();
    assert_eq!(wanted[0].pull, pulled("1.4.2"));
    assert_eq!(wanted[0].into, staged_now.path.join("charts"));

    fs::write(&lock, locked("valkey")).unwrap();
    assert_eq!(
        why(folder.path(), "web"),
        "`/web/Chart.lock`: it has no `redis` from `https://charts.example.com`, which `Chart.yaml` needs"
    );
}

#[test]
fn what_can_not_be_staged_says_why() {
    let folder = tempfile::tempdir().unwrap();
    chart(folder.path(), "a", &on("gone", "file://../gone"));
    chart(folder.path(), "b", &on("redis", ""));
    chart(folder.path(), "c", &on("c", "file://../c"));
    assert_eq!(
        why(folder.path(), "a"),
        "chart `/a` needs `gone` from `/a/../gone`, which is not there"
    );
    assert_eq!(
        why(folder.path(), "b"),
        "chart `/b` needs `redis`, and it is not in its `charts` folder"
    );
    assert_eq!(
        why(folder.path(), "c"),
        "chart `/c` needs itself through `c`"
    );
}

#[test]
fn links_lead_neither_out_nor_in_circles() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("tree")).unwrap();
    fs::write(root.join("tree/shared.tpl"), "shared").unwrap();
    fs::write(root.join("secret"), "hunter2").unwrap();

    chart(root, "fine", "");
    symlink("Chart.yaml", root.join("fine/again.yaml")).unwrap();
    symlink(
        root.join("tree/shared.tpl"),
        root.join("fine/templates/shared.tpl"),
    )
    .unwrap();
    let (staged, _) = staged(root, "fine").unwrap();
    let copy = staged.path.join("templates/shared.tpl");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "shared");
    assert!(!copy.is_symlink());

    chart(root, "out", "");
    symlink(root.join("secret"), root.join("out/values.yaml")).unwrap();
    assert_eq!(
        why(root, "out"),
        "`/out/values.yaml` is a link that leads out of the chart, to `/secret`"
    );
    chart(root, "round", "");
    symlink(root.join("round"), root.join("round/templates/round")).unwrap();
    assert_eq!(
        why(root, "round"),
        "`/round/templates/round` is a link to a folder that it is in"
    );
    chart(root, "nothing", "");
    symlink("nowhere", root.join("nothing/values.yaml")).unwrap();
    assert_eq!(
        why(root, "nothing"),
        "`/nothing/values.yaml` is a link to nothing"
    );
}
