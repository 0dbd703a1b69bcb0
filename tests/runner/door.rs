//! Namespaces that a release before may bring.

use stackctl::event::{EventKind, Outcome};
use stackctl::names::Namespace;
use stackctl::runner::ports::Ensured;

use crate::fakes::Fate;
use crate::{Case, Way};

/// `app` goes to a namespace of its own, after `spaces`.
fn case(create: bool) -> Case {
    let releases: &[(&str, Fate, &[&str])] = &[
        ("spaces", Fate::Ready(100), &[]),
        ("app", Fate::Ready(100), &["spaces"]),
    ];
    Case::with(releases, |profile| {
        profile.create_namespace = create;
        let app = profile
            .releases
            .iter_mut()
            .find(|it| it.id.as_str() == "app");
        app.unwrap().namespace = "apart".parse::<Namespace>().unwrap();
    })
}

#[test]
fn it_is_looked_at_when_the_release_is_about_to_start() {
    let case = case(true);
    let going = || Ensured::Going(vec!["configmaps are left".to_owned()]);
    case.fake.finds([going(), going(), Ensured::Made]);
    let ran = case.run(&Way::Up);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(case.fake.ensured(), ["apart, to be made"; 3]);
    let on = "namespace apart, which is being deleted, to be gone: configmaps are left";
    let told = ran.events.iter().filter(
        |event| matches!(&event.kind, EventKind::ReleaseWaiting { on: told, .. } if told == on),
    );
    assert_eq!(told.count(), 1, "{:#?}", ran.events);
}

#[test]
fn one_that_is_never_gone_is_waited_for_until_the_deadline() {
    let mut case = case(true);
    case.timeout = Some(std::time::Duration::from_secs(20));
    case.fake.finds(vec![Ensured::Going(Vec::new()); 100]);
    assert_eq!(case.run(&Way::Up).outcome, Outcome::DeadlinePassed);
}

#[test]
fn one_that_nobody_brings_is_told_where_none_may_be_made() {
    let case = case(false);
    case.fake.finds([Ensured::Missing]);
    let ran = case.run(&Way::Up);
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(case.fake.ensured(), ["apart"]);
    let sentence = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseFailed { verdict, .. } => Some(verdict.sentence.as_str()),
        _ => None,
    });
    assert_eq!(
        sentence,
        Some("there is no namespace `apart`, and `spaces` did not bring it")
    );
}
