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
    let allowance = Allowance::new(folder.join("staged"), CancellationToken::new());
    // The real number takes its time.
    let allowance = allowance.with_entries(1000);
    let copier = copy::Copier::new(&folder.join("tree"), allowance);
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
fn links_lead_neither_out_nor_in_cycles() {
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

/// helm takes a link in `charts` for the chart that it leads to, as rook has it for its library.
#[test]
fn a_link_in_charts_may_lead_to_a_chart_beside() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    chart(root, "library", "");
    fs::write(root.join("library/templates/_names.tpl"), "names").unwrap();
    fs::write(root.join("secret"), "hunter2").unwrap();
    chart(root, "web", &on("library", "file://../library"));
    fs::create_dir(root.join("web/charts")).unwrap();
    symlink("../../library", root.join("web/charts/library")).unwrap();
    let (staged, wanted) = staged(root, "web").unwrap();
    let copy = staged.path.join("charts/library/templates/_names.tpl");
    assert_eq!(fs::read_to_string(copy).unwrap(), "names");
    assert!(wanted.is_empty());

    // What it links to by itself is looked at as that of any chart.
    symlink("../../secret", root.join("library/templates/secret.yaml")).unwrap();
    assert_eq!(
        why(root, "web"),
        "`/web/charts/library/templates/secret.yaml` is a link that leads out of the chart, to `/secret`"
    );
    // And what is no chart is none of its author's.
    chart(root, "out", "");
    fs::create_dir(root.join("out/charts")).unwrap();
    fs::create_dir(root.join("private")).unwrap();
    symlink("../../private", root.join("out/charts/private")).unwrap();
    assert_eq!(
        why(root, "out"),
        "`/out/charts/private` is a link that leads out of the chart, to `/private`"
    );
}

#[test]
fn what_is_no_file_or_too_much_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    chart(root, "pipe", "");
    let mode = nix::sys::stat::Mode::S_IRWXU;
    nix::unistd::mkfifo(&root.join("pipe/values.yaml"), mode).unwrap();
    assert_eq!(
        why(root, "pipe"),
        "`/pipe/values.yaml` can't be copied: it is a named pipe, not a file"
    );
    chart(root, "sparse", "");
    let sparse = fs::File::create(root.join("sparse/values.yaml")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    assert_eq!(
        why(root, "sparse"),
        "the charts have a file of more than 100 MiB, at `/sparse/values.yaml`"
    );
    chart(root, "large", "");
    let large = fs::File::create(root.join("large/Chart.yaml")).unwrap();
    large.set_len(2 << 20).unwrap();
    assert_eq!(
        why(root, "large"),
        "`/large/Chart.yaml`: it is larger than 1 MiB"
    );
    chart(root, "deep", "");
    let deep = (0..40).fold(root.join("deep"), |folder, _| folder.join("d"));
    fs::create_dir_all(deep).unwrap();
    assert!(
        why(root, "deep").starts_with("the charts have folders that are nested deeper than 32")
    );
}

/// Each level links twice to the one below, so that the last is there 2^17 times, a thousand of which are enough here.
#[test]
fn what_multiplies_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    chart(root, "links", "");
    for level in 0..17 {
        let here = root.join(format!("links/{level}"));
        fs::create_dir(&here).unwrap();
        for name in ["a", "b"] {
            symlink(format!("../{}", level + 1), here.join(name)).unwrap();
        }
    }
    fs::create_dir(root.join("links/17")).unwrap();
    let many = "the charts have more than 50000 files and folders in all, at ";
    assert!(why(root, "links").starts_with(many));

    let both = |below: &str| {
        let one = |name: &str| format!("  - {{name: {name}, repository: \"file://../{below}\"}}\n");
        format!("dependencies:\n{}{}", one("a"), one("b"))
    };
    chart(root, "level-14", "");
    for level in (0..14).rev() {
        let below = both(&format!("level-{}", level + 1));
        chart(root, &format!("level-{level}"), &below);
    }
    assert!(why(root, "level-0").starts_with(many));
}

#[tokio::test]
async fn nobody_is_waited_for_that_copies_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let allowance = |stop| Allowance::new(folder.path().to_owned(), stop);
    let stop = CancellationToken::new();
    stop.cancel();
    let stopped = allowance(stop).folder(&folder.path().join("a"));
    assert!(matches!(stopped, Err(StageError::Stopped)));
}
