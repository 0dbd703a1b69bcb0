use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn keeper() -> LogKeeper {
    let mut keeper = LogKeeper::default();
    let now = Instant::now();
    keeper.asked.insert(run(1));
    keeper.open.insert(
        run(1),
        Open {
            step: 7,
            pod: "web".into(),
            role: ContainerRole::Init,
            life: watch::channel(Life::Runs).0,
            repeats: Some(Repeats::new(now)),
            is_told: true,
        },
    );
    keeper
}

fn run(attempt: u32) -> Instance {
    Instance {
        pod_uid: Uid::from("uid"),
        container: "wait".into(),
        attempt,
    }
}

fn of(attempt: u32) -> LogOf {
    LogOf {
        pod_uid: Uid::from("uid"),
        namespace: "shop".into(),
        pod: "web".into(),
        container: "wait".into(),
        attempt,
    }
}

fn say(keeper: &mut LogKeeper, text: &str) -> bool {
    let item = LogItem {
        instance: run(1),
        part: Some(LogPart::Line(text.into())),
    };
    keeper.keep(item, Instant::now()).unwrap().turned
}

fn end(keeper: &mut LogKeeper) -> bool {
    let item = LogItem {
        instance: run(1),
        part: None,
    };
    keeper.keep(item, Instant::now()).unwrap().turned
}

fn lines(evidence: Option<Evidence>) -> Option<Vec<String>> {
    match evidence {
        Some(Evidence::Log { lines, .. }) => Some(lines),
        _ => None,
    }
}

/// First by the clock alone; a new line ends it, and so does the container's end.
#[tokio::test(start_paused = true)]
async fn repetition_begins_by_the_clock_and_ends_with_something_new() {
    let mut keeper = keeper();
    let begun = Instant::now();
    for _ in 0..4 {
        assert!(!say(&mut keeper, "not there yet"));
    }
    let due = keeper.next_turn();
    assert_eq!(due, Some(begun + Duration::from_secs(5)));
    assert_eq!(keeper.turns(Instant::now()), [0; 0]);
    tokio::time::sleep_until(due.unwrap()).await;
    assert_eq!(keeper.turns(Instant::now()), [7]);
    assert_eq!(keeper.turns(Instant::now()), [0; 0], "it is told once");
    assert_eq!(keeper.next_turn(), None, "no clock runs any more");
    assert_eq!(keeper.repeating()[&key(&run(1))], "not there yet");
    assert!(!say(&mut keeper, "not there yet"));
    assert_eq!(keeper.repeating().len(), 1);
    assert!(say(&mut keeper, "connected"));
    assert!(keeper.repeating().is_empty());

    for _ in 0..4 {
        say(&mut keeper, "connected");
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(say(&mut keeper, "connected"), "a line may come first");
    assert!(end(&mut keeper));
    assert!(keeper.repeating().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_closed_takes_its_repetition_with_it() {
    let mut keeper = keeper();
    for _ in 0..5 {
        say(&mut keeper, "x");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(keeper.turns(Instant::now()), [7]);
    keeper.close(7);
    assert!(keeper.repeating().is_empty());
    assert!(!keeper.is_open(&of(1)));
}

#[tokio::test(start_paused = true)]
async fn proof_that_there_is_none_of_is_excused() {
    let world = World::default();
    let mut keeper = keeper();
    assert_eq!(lines(keeper.evidence(&of(1), 5, &world)), None);
    let gone = "[its log was gone before it could be read]";
    assert_eq!(
        lines(keeper.evidence(&of(2), 5, &world)),
        Some(vec![gone.to_owned()])
    );
    say(&mut keeper, "why");
    let found = lines(keeper.evidence(&of(2), 5, &world));
    assert_eq!(
        found,
        Some(vec!["why".to_owned()]),
        "the run before is better than nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn logs_that_have_ended_make_room_first() {
    let world = World::default();
    let mut keeper = keeper();
    say(&mut keeper, "still open");
    for number in 0..u32::try_from(KEPT).unwrap() {
        let mut instance = run(1);
        instance.container = format!("c{number}");
        let part = Some(LogPart::Line("line".into()));
        keeper.keep(LogItem { instance, part }, Instant::now());
    }
    assert_eq!(keeper.kept.len(), KEPT);
    let kept = lines(keeper.evidence(&of(1), 5, &world));
    assert_eq!(kept, Some(vec!["still open".to_owned()]));
    let mut first = of(1);
    first.container = "c0".into();
    let forgotten = lines(keeper.evidence(&first, 5, &world));
    assert_eq!(forgotten, Some(vec![mark(NOT_KEPT)]));
}
