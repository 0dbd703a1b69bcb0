//! What the profile room makes of whole profiles: good ones become a `Profile`, bad ones
//! a list of errors that somebody can act on.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stackctl::profile::{self, Diagnostic, Profile};

/// Errors call the text of a test by this name; its paths start from the fixtures.
const CASE: &str = "tests/fixtures/profile/profiles/case.yaml";

fn fixture(name: &str) -> PathBuf {
    Path::new("tests/fixtures/profile").join(name)
}

/// The variables that the profiles of these tests may use.
fn environment(name: &str) -> Option<OsString> {
    match name {
        "TAG" => Some("1.4.0".into()),
        "OFF" => Some("false".into()),
        _ => None,
    }
}

fn read(text: impl AsRef<[u8]>) -> Result<Profile, profile::ProfileErrors> {
    profile::read(Path::new(CASE), text.as_ref(), &environment)
}

fn errors(text: impl AsRef<[u8]>) -> String {
    match read(text) {
        Ok(_) => "taken for good".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

/// The profile without the texts that its places point into.
fn shown(profile: &Profile) -> String {
    let mut shown = format!(
        "{} in {} (made if missing: {}), from {}\n",
        profile.name,
        profile.namespace,
        profile.create_namespace,
        profile.file.display()
    );
    for it in &profile.releases {
        let needs = it
            .needs
            .iter()
            .map(|it| format!("{}:{}@{:?}", it.id, it.until, it.place));
        let _ = writeln!(
            shown,
            "\n{}@{:?}: {} in {}, {:?}, {:?}\n  {:?}\n  values {:?}\n  from {:?}\n  set {:?}\n  needs {:?}",
            it.id,
            it.place,
            it.release,
            it.namespace,
            it.timeout,
            it.chart,
            it.budgets,
            it.values,
            it.values_from,
            it.set,
            needs.collect::<Vec<_>>(),
        );
    }
    let _ = writeln!(shown, "\ndisabled: {:?}", profile.disabled);
    shown
}

#[test]
fn bad_profiles_are_explained() {
    let cases = std::fs::read_to_string(fixture("bad.txt")).unwrap();
    let mut told = String::new();
    for case in cases.split("=== ").skip(1) {
        let (title, text) = case.split_once('\n').unwrap();
        let _ = writeln!(told, "=== {title}\n{}\n", errors(text));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn bytes_that_are_no_text_are_explained() {
    let cases: [(&str, Vec<u8>); 8] = [
        ("latin-1", b"name: oro\nnamespace: caf\xe9\n".to_vec()),
        ("utf-16", b"\xff\xfen\0a\0m\0e\0".to_vec()),
        (
            "a control character",
            b"name: oro\nnamespace: o\x1b[31mro\n".to_vec(),
        ),
        ("a nul", b"name: oro\0\n".to_vec()),
        (
            "a byte order mark is not counted",
            b"\xef\xbb\xbfname: Oro\n".to_vec(),
        ),
        (
            "carriage returns",
            b"name: oro\r\nnamespace: oro\r\nreleases:\r\n  Mail: {chart: ../charts/mail}\r\n"
                .to_vec(),
        ),
        (
            "an escape in quotes",
            b"name: \"o\\e[31mro\"\nnamespace: oro\n".to_vec(),
        ),
        ("too large", vec![b'#'; 1024 * 1024 + 1]),
    ];
    let mut told = String::new();
    for (title, bytes) in cases {
        let _ = writeln!(told, "=== {title}\n{}\n", errors(bytes));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn long_lines_and_deep_nests_are_explained() {
    let long = format!(
        "name: oro\nnamespace: oro\nreleases: {{{} web: {{chart: nowhere}}}}\n",
        "mail: {chart: ../charts/mail}, ".to_owned() + &" ".repeat(5000)
    );
    let long_id = format!("name: {}\n", "A".repeat(5000));
    let flow = format!("name: {}\n", "[".repeat(100_000));
    let block = format!("name:\n  {}a\n", "- ".repeat(100_000));
    let ladder = (1..1000).fold("x-0: &a0 []\n".to_owned(), |text, step| {
        text + &format!("x-{step}: &a{step} [*a{}]\n", step - 1)
    });
    let mut told = String::new();
    for text in [long, long_id, flow, block, ladder] {
        let _ = writeln!(told, "{}\n", errors(text));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_unreadable_profile_is_explained() {
    let errors = profile::load(&fixture("profiles/nowhere.yaml"), &|_| None).unwrap_err();
    insta::assert_snapshot!(errors, @"tests/fixtures/profile/profiles/nowhere.yaml: there is no such profile");
}

#[test]
fn the_oro_profile_is_loaded() {
    let profile = profile::load(&fixture("profiles/oro.yaml"), &|_| None).unwrap();
    assert_eq!(profile.warnings, []);
    insta::assert_snapshot!(shown(&profile));
}

#[test]
fn an_overlay_lies_over_what_it_extends() {
    let profile = profile::load(&fixture("profiles/staging.yaml"), &environment).unwrap();
    let warnings: String = profile
        .warnings
        .iter()
        .map(|it| format!("{it}\n"))
        .collect();
    insta::assert_snapshot!(format!("{}\n{warnings}", shown(&profile)));
}

/// Every example of the page is a whole profile, and every key of a profile stands on it.
#[test]
fn the_documented_examples_are_loaded() {
    let page = std::fs::read_to_string("docs/profile.md").unwrap();
    let blocks = page.split("```yaml\n").skip(1);
    let examples: Vec<&str> = blocks.map(|it| it.split("```").next().unwrap()).collect();
    assert!(examples.len() > 6);
    for example in examples {
        let told = errors(example);
        assert_eq!(told, "taken for good", "{example}\n{told}");
    }
    let everything = "name: shop\nnamespace: shop\nunknown: 1\ndefaults: {unknown: 1}\n\
        releases: {a: {chart: ../charts/mail, unknown: 1, budgets: {unknown: 1}}}\n";
    let told = errors(everything);
    let hints = told
        .lines()
        .filter_map(|line| line.strip_prefix("hint: known keys are "));
    let known: Vec<&str> = hints
        .flat_map(|hint| hint.split('`').skip(1).step_by(2))
        .collect();
    assert!(known.len() > 20, "{told}");
    for key in known {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("{key}:")),
            "{key}"
        );
    }
}

/// Editors and the loader know the same keys, and the file that editors fetch is the present one.
#[test]
fn the_schema_is_that_of_the_loader() {
    let schema = serde_json::to_value(profile::schema()).unwrap();
    let committed = std::fs::read_to_string("docs/schemas/profile.schema.json").unwrap();
    let committed: serde_json::Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(
        committed, schema,
        "`stackctl schema > docs/schemas/profile.schema.json`"
    );

    let known = |text: &str| {
        let told = errors(text);
        let hint = told
            .lines()
            .find_map(|line| line.strip_prefix("hint: known keys are "));
        let hint = hint.unwrap_or_else(|| panic!("{told}"));
        let mut keys: Vec<String> = hint
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys
    };
    let described = |place: &str| {
        let keys = schema
            .pointer(place)
            .and_then(|it| it["properties"].as_object());
        let mut keys: Vec<String> = keys.unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let release = "name: a\nnamespace: a\nreleases: {a: {chart: ../charts/mail, ";
    assert_eq!(described(""), known("qqqqqqqqqq: 1\n"));
    assert_eq!(
        described("/$defs/Defaults"),
        known("defaults: {qqqqqqqqqq: 1}\n")
    );
    assert_eq!(
        described("/$defs/Release"),
        known(&format!("{release} qqqqqqqqqq: 1}}}}\n"))
    );
    let budgets = known(&format!("{release} budgets: {{qqqqqqqqqq: 1}}}}}}\n"));
    assert_eq!(described("/$defs/Budgets"), budgets);
    let from = known(&format!("{release} valuesFrom: [{{qqqqqqqqqq: 1}}]}}}}\n"));
    assert_eq!(described("/$defs/ValuesFrom"), from);
}

/// Every profile that the project brings is loaded, with the variables that it asks for.
#[test]
fn the_projects_own_profiles_are_loaded() {
    let given = |name: &str| name.starts_with("ORO_").then(|| OsString::from("given"));
    let mut count = 0;
    for entry in std::fs::read_dir("profiles").unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let profile = profile::load(&path, &given).unwrap_or_else(|errors| panic!("{errors}"));
            assert!(
                profile.warnings.is_empty(),
                "{}: {:?}",
                path.display(),
                profile.warnings
            );
            count += 1;
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn very_many_errors_are_bounded() {
    let ids = (0..5000).map(|number| format!("  r{number}: []\n"));
    let text = format!("releases:\n{}", ids.collect::<String>());
    let errors = read(text).unwrap_err();
    assert_eq!((errors.shown.len(), errors.count), (101, 5002));
    assert_eq!(errors.shown[100].message, "4902 more, from here on");
}

#[test]
fn values_files_are_bounded_all_together() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("{number}.yaml")).collect();
    for name in &names {
        let file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.set_len(10 * 1024 * 1024).unwrap();
    }
    let list = names.join(", ");
    let text = format!(
        "name: oro\nnamespace: oro\nreleases:\n  mail: {{chart: oci://a/b, version: 1.0.0, values: [{list}]}}\n"
    );
    let file = folder.path().join("oro.yaml");
    let errors = profile::read(&file, text.as_bytes(), &environment).unwrap_err();
    let of_the_profile: Vec<_> = errors.shown.iter().filter(|it| it.file == file).collect();
    let told: Vec<&str> = of_the_profile
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(
        told,
        ["the values files up to here have more than 64 MiB in all"]
    );
}

#[test]
fn defaults_lie_under_what_a_release_says() {
    let profile = profile::load(&fixture("profiles/defaults.yaml"), &|_| None).unwrap();
    insta::assert_snapshot!(shown(&profile));
}

#[test]
fn what_is_doubtful_is_told_and_stops_nothing() {
    let text = r#"
name: oro
namespace: oro
defaults: {values: values/two-documents.yaml}
releases:
  database: {chart: ../charts/gone, enabled: false, needs: [mail]}
  mail: {chart: ../charts/mail, enabled: false}
  web:
    chart: ../charts/webserver
    needs: [database, order-food, mail]
    values: {mode: 0440, image: {tag: 6.10}, debug: yes, quoted: {tag: "6.10"}}
    set: {image.tag: 20240101, appVersion: 1.0}
  order-food: {chart: ../charts/order-food, set: {a: 1}}
"#;
    let profile = read(text).unwrap();
    let web = &profile.releases[0];
    assert_eq!(web.needs.len(), 1);
    assert_eq!(web.needs[0].id.as_str(), "order-food");
    let told: Vec<String> = profile.warnings.iter().map(Diagnostic::to_string).collect();
    insta::assert_snapshot!(format!("{:?}\n\n{}", profile.disabled, told.join("\n\n")));
}

#[test]
fn an_error_found_later_points_into_the_profile_too() {
    let profile = profile::load(&fixture("profiles/oro.yaml"), &|_| None).unwrap();
    let need = &profile.releases[3].needs[1];
    let mut error = profile.error_at(need.place, "`install` and `mail` need each other");
    error.hint("take one of the two needs away");
    insta::assert_snapshot!(error, @r"
    tests/fixtures/profile/profiles/oro.yaml:14:23: `install` and `mail` need each other
    14 |     needs: [database, mail, volume-init]
       |                       ^^^^
    hint: take one of the two needs away
    ");
}

#[test]
fn a_merged_map_gives_way_to_what_is_written() {
    let text = "
name: oro
namespace: oro
x-a: &a {timeout: 1m, release: a}
x-b: &b {timeout: 2m, namespace: b, set: {from: b}}
releases:
  mail: {timeout: 3m, <<: [*a, *b], chart: ../charts/mail}
  other: {<<: *b, chart: ../charts/mail}
";
    let profile = read(text).unwrap();
    let told = profile.releases.iter().map(|it| {
        let seconds = it.timeout.as_secs();
        format!("{} {} {seconds}", it.release, it.namespace)
    });
    assert_eq!(told.collect::<Vec<_>>(), ["a b 180", "other b 120"]);
}

/// Pieces that profiles are made of, so that random texts get past the first line.
fn profile_like() -> impl Strategy<Value = String> {
    let pieces = [
        "name: oro\n",
        "namespace: oro\n",
        "releases:\n",
        "  mail:\n",
        "    chart: ../charts/mail\n",
        "    needs: [mail, web]\n",
        "  web: {",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "- ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "    ",
        "\"",
        "'",
        "&a ",
        "*a",
        "<<: *a\n",
        "|\n",
        ">-\n",
        "~",
        "? ",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "#",
        "%YAML 1.2\n",
        "0440",
        "10m",
        "set: {a.b: 1}",
        "values: values/list.yaml",
        "ä",
        "値",
        "\u{feff}",
        "\u{1b}",
        "\0",
        "\u{85}",
        "\u{2028}",
        "enabled: false",
        "{{ x }}",
        "\\",
    ];
    proptest::collection::vec(prop::sample::select(pieces.to_vec()), 0..60)
        .prop_map(|pieces| pieces.concat())
}

/// Lines as YAML breaks them, for the check below.
fn lines(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(str::to_owned).collect()
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let found = match read(bytes) {
        Ok(profile) => profile.warnings,
        Err(errors) => {
            prop_assert!(!errors.shown.is_empty());
            errors.shown
        }
    };
    let text = String::from_utf8_lossy(bytes);
    let lines = lines(&text);
    for diagnostic in found.iter().filter(|it| it.file == Path::new(CASE)) {
        prop_assert!(diagnostic.excerpt.is_some(), "no place in {diagnostic}");
        let Some(excerpt) = &diagnostic.excerpt else {
            continue;
        };
        let line = lines.get(excerpt.line - 1);
        prop_assert!(line.is_some(), "line of {diagnostic}");
        let length = line.map_or(0, |line| line.chars().count());
        prop_assert!((1..=length + 1).contains(&excerpt.column), "{diagnostic}");
        let shown = diagnostic.to_string();
        prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_within_the_file(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }

    #[test]
    fn any_text_is_answered_within_the_file(text in "\\PC*") {
        check(text.as_bytes())?;
    }

    #[test]
    fn profile_like_text_is_answered_within_the_file(text in profile_like()) {
        check(text.as_bytes())?;
    }

    #[test]
    fn a_damaged_profile_is_answered_within_the_file(
        cut in 0..900_usize, length in 0..40_usize, piece in "[\\PC\t\n\r]{0,5}",
    ) {
        let mut text = include_str!("fixtures/profile/profiles/oro.yaml").to_owned();
        let (start, end) = (cut.min(text.len()), (cut + length).min(text.len()));
        text.replace_range(start..end, &piece);
        check(text.as_bytes())?;
    }
}
