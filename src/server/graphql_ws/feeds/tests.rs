use bytes::Bytes;
use proptest::prelude::*;

use super::{state::EVENTS, *};

fn event(since: i64, version: i64, is_snapshot: bool, bytes: usize) -> Event {
    let span = Span { since, version, is_snapshot, is_break: false, topic: 0 };
    Event { span, answer: Ok(vec![vec![b'x'; bytes].into()]) }
}

/// One that begins with a snapshot.
fn feed(is_chain: bool) -> Arc<Feed> {
    Feed::new(is_chain, NOTHING, Arc::default())
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
    /// Somebody who knows what was so many versions ago.
    JoinBehind(i64),
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
        1 => (0..6_i64).prop_map(Step::JoinBehind),
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
        let feed = feed(true);
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
                Step::JoinBehind(versions) => {
                    let known = (version - versions).max(7);
                    watchers.push((Watching::new(Arc::clone(&feed), &outbox, 0, known), known));
                }
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
    let feed = feed(false);
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
    let feed = feed(true);
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

/// Rule 20: who was told of a version before the feed began is told of what came between.
#[test]
fn what_came_before_a_feed_began_is_missed_by_nobody() {
    let feed = feed(true);
    let outbox = Arc::new(Outbox::default());
    let new = |version| Watching::new(Arc::clone(&feed), &outbox, 0, version);
    let (mut begins, mut knows) = (new(NOTHING), new(1));
    assert!(matches!(begins.next(), Next::Nothing));
    feed.publish(event(0, 2, true, 10), false);
    assert!(matches!(begins.next(), Next::Event(event) if event.span.version == 2));
    // The other one is rung for, and asks for what is known now.
    assert!(matches!(knows.next(), Next::Nothing));
    feed.publish(event(0, 2, true, 10), false);
    assert!(matches!(knows.next(), Next::Event(event) if event.span.version == 2));
    assert!(matches!(knows.next(), Next::Nothing) && matches!(begins.next(), Next::Nothing));
    // And one that begins at a version says so.
    let feed = Feed::new(true, 5, Arc::default());
    let mut late = Watching::new(Arc::clone(&feed), &outbox, 0, 4);
    assert!(matches!(late.next(), Next::Nothing));
    assert_eq!(feed.lock().waiting.len(), 1, "it asks for a snapshot");
}

/// Rule 21: a large house is kept only for those who have not been told yet.
#[test]
fn a_large_snapshot_is_let_go_when_everybody_has_it() {
    let feed = feed(true);
    let outbox = Arc::new(Outbox::default());
    let mut watchers = [0, 1, 2].map(|_| Watching::new(Arc::clone(&feed), &outbox, 0, NOTHING));
    for watching in &mut watchers[..2] {
        assert!(matches!(watching.next(), Next::Nothing));
    }
    feed.publish(event(0, 2, true, EVENT_BYTES + 1), false);
    let is_there = || feed.lock().snapshot.as_ref().is_some_and(|(snapshot, _)| snapshot.get().is_some());
    let [first, second, gone] = watchers.each_mut();
    let told = first.next();
    assert!(matches!(&told, Next::Event(_)) && is_there());
    drop((told, second.next()));
    assert!(is_there(), "the third has not had it");
    let _ = gone;
    let [first, second, gone] = watchers;
    drop(gone);
    assert!(!is_there());
    // One that nobody waits for is not kept at all.
    drop((first, second));
    feed.publish(event(0, 3, true, EVENT_BYTES + 1), false);
    assert!(!is_there());
}

/// Rule 21: the more feeds there are, the less each of them keeps.
#[test]
fn all_feeds_together_keep_a_bounded_amount() {
    let count = Arc::new(AtomicUsize::new(0));
    let feeds: Vec<_> = (0..1_000).map(|_| Feed::new(true, NOTHING, Arc::clone(&count))).collect();
    for feed in &feeds {
        for version in 1..64 {
            feed.publish(event(version - 1, version, false, 8 << 10), false);
        }
    }
    let kept: usize = feeds.iter().map(|feed| feed.lock().bytes).sum();
    assert!(kept <= ALL_BYTES, "{kept}");
    drop(feeds);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}
