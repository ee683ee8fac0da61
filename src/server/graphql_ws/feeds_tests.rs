use proptest::prelude::*;

use super::*;

fn event(since: i64, version: i64, is_snapshot: bool, bytes: usize) -> Event {
    let span = Span { since, version, is_snapshot, is_break: false, topic: 0 };
    Event { span, answer: Ok(vec![vec![b'x'; bytes].into()]) }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many commits, and an event of them with so many bytes.
    Publish(i64, usize),
    /// Whoever needs a snapshot is given one.
    Snapshot,
    /// Commits that no event can tell of.
    Break,
    Join,
    Take(prop::sample::Index),
    Leave(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![3 => 1..100_usize, 1 => 1..EVENT_BYTES];
    prop_oneof![
        12 => (1..4_i64, size).prop_map(|(commits, bytes)| Step::Publish(commits, bytes)),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Break),
        2 => Just(Step::Join),
        6 => any::<prop::sample::Index>().prop_map(Step::Take),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Rules 20 and 21: whenever it takes what there is, each event follows the last one or is a snapshot, and in the end it
    /// knows everything; and what is kept is bounded.
    #[test]
    fn whatever_a_watcher_takes_when_it_misses_nothing_unseen(
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let feed = Feed::new(true);
        let outbox = Arc::new(Outbox::default());
        let (mut version, mut watchers) = (7, Vec::<(Watching, i64)>::new());
        let take = |(watching, known): &mut (Watching, i64)| -> Result<bool, TestCaseError> {
            let Next::Event(event) = watching.next() else { return Ok(false) };
            let Span { since, version, is_snapshot, .. } = event.span;
            prop_assert!(version > *known);
            prop_assert!(is_snapshot || (since <= *known && *known != NOTHING), "{} after {}", since, known);
            *known = version;
            Ok(true)
        };
        for step in steps {
            match step {
                Step::Publish(commits, bytes) => {
                    feed.publish(event(version, version + commits, false, bytes), false);
                    version += commits;
                }
                Step::Snapshot => {
                    feed.publish(event(0, version, true, 10), false);
                }
                Step::Break => {
                    version += 5;
                    let mut event = event(0, version, true, 10);
                    event.span.is_break = true;
                    feed.publish(event, false);
                }
                Step::Join => watchers.push((Watching::new(Arc::clone(&feed), &outbox, 0, NOTHING), NOTHING)),
                Step::Take(index) => {
                    let at = index.index(watchers.len().max(1));
                    if let Some(watcher) = watchers.get_mut(at) {
                        take(watcher)?;
                    }
                }
                Step::Leave(index) => {
                    if !watchers.is_empty() {
                        watchers.swap_remove(index.index(watchers.len()));
                    }
                }
            }
            let state = feed.lock();
            prop_assert!(state.events.len() <= EVENTS);
            prop_assert!(state.bytes <= EVENT_BYTES || state.events.len() == 1);
            prop_assert_eq!(state.bytes, state.events.iter().map(|event| event.bytes()).sum::<usize>());
            prop_assert_eq!(state.watchers.len(), watchers.len());
        }
        for watcher in &mut watchers {
            while take(watcher)? {}
        }
        feed.publish(event(0, version, true, 10), false);
        for watcher in &mut watchers {
            while take(watcher)? {}
            prop_assert_eq!(watcher.1, version);
        }
        drop(watchers);
        prop_assert!(feed.lock().watchers.is_empty() && feed.lock().waiting.is_empty());
    }
}

/// Where each event stands for itself, whoever is slow is told of the newest of each topic, and of nothing twice.
#[test]
fn of_what_stands_for_itself_the_newest_is_kept() {
    let feed = Feed::new(false);
    let mut watching = Watching::new(Arc::clone(&feed), &Arc::default(), 0, NOTHING);
    let publish = |version, topic, text: &'static str| {
        let answer = Ok(vec![Bytes::from_static(text.as_bytes())]);
        feed.publish(Event { span: Span::alone(topic, version), answer }, false)
    };
    let mut told = || match watching.next() {
        Next::Event(event) => String::from_utf8(event.answer.as_ref().unwrap().concat()).unwrap(),
        Next::Nothing => "nothing".to_owned(),
        Next::Over => "over".to_owned(),
    };
    assert_eq!(told(), "nothing");
    for version in 1..=1_000 {
        publish(version, 0, if version % 2 == 0 { "even" } else { "odd" });
    }
    publish(1_001, 1, "other");
    publish(1_002, 0, "even");
    assert_eq!(feed.lock().events.len(), 2);
    assert_eq!([told(), told(), told()], ["even", "other", "nothing"]);
    publish(1_003, 0, "odd");
    assert_eq!([told(), told()], ["odd", "nothing"]);
    feed.end();
    assert_eq!(told(), "over");
}

/// However much somebody knows, or has missed.
#[test]
fn everybody_is_told_how_a_feed_has_failed() {
    let feed = Feed::new(true);
    let new = |version| Watching::new(Arc::clone(&feed), &Arc::default(), 0, version);
    let mut watchers = [new(NOTHING), new(3), new(9)];
    feed.publish(event(8, 9, false, 1), false);
    let mut failed = event(0, 0, false, 1);
    failed.span = Span::alone(usize::MAX, i64::MAX);
    feed.publish(failed, true);
    for watching in &mut watchers {
        assert!(matches!(watching.next(), Next::Event(event) if event.span.version == i64::MAX));
        assert!(matches!(watching.next(), Next::Over));
    }
}
