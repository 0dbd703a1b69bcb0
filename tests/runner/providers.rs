//! What helps where an object is missing depends on who of the stack brings it.

use crate::run_scripted;
use crate::scripted::{Script, Scripted, app, lacks, object, running};

fn brings_db(name: &'static str) -> Script {
    let mut script = app(name, &running(), None);
    script.objects.push(object("v1", "Secret", "db"));
    script
}

/// The hints of the release `web`, which lacks the Secret `db`.
fn hints(releases: &[(&str, &[&str])], other: Script) -> Vec<String> {
    let cluster = Scripted::new([
        ("database", other),
        ("middle", app("middle", &running(), None)),
        ("web", app("web", &lacks("db"), None)),
    ]);
    run_scripted(releases, &cluster)
        .verdict("web")
        .hints
        .clone()
}

const CREATE: &str = "create Secret `db` in namespace `test`";

#[test]
fn a_need_that_is_there_is_not_to_be_added() {
    let needed = "release `database`, which this one needs already, has brought secret/db: it was deleted since, and \
                  `stackctl up database` puts it back";
    let directly: &[(&str, &[&str])] = &[("database", &[]), ("web", &["database"])];
    assert_eq!(
        hints(directly, brings_db("database"))[..2],
        [CREATE, needed]
    );
    let by_another: &[(&str, &[&str])] = &[
        ("database", &[]),
        ("middle", &["database"]),
        ("web", &["middle"]),
    ];
    assert_eq!(
        hints(by_another, brings_db("database"))[..2],
        [CREATE, needed]
    );
}

#[test]
fn the_need_to_be_added_is_named() {
    let apart: &[(&str, &[&str])] = &[("database", &[]), ("web", &[])];
    let add = "release `database` brings secret/db: add `database` to this one's `needs`";
    assert_eq!(hints(apart, brings_db("database"))[..2], [CREATE, add]);
    // It may bring what its record does not name.
    let another = app("database", &running(), None);
    let add = "where another release brings secret/db, add that to this one's `needs`";
    assert_eq!(hints(apart, another)[..2], [CREATE, add]);
}

#[test]
fn no_need_is_to_be_added_where_there_is_none() {
    let is_about_needs = |hint: &String| hint.contains("need");
    let another = || app("database", &running(), None);
    let alone: &[(&str, &[&str])] = &[("web", &[])];
    let all_needed: &[(&str, &[&str])] = &[("database", &[]), ("web", &["database"])];
    for releases in [alone, all_needed] {
        let hints = hints(releases, another());
        assert_eq!(hints[0], CREATE);
        assert!(!hints.iter().any(is_about_needs), "{hints:?}");
    }
}
