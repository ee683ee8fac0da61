//! What is kept, for how long, and how much of it; and who makes it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::*;
use crate::{
    domain::id::SeriesId,
    graphql::{language::Language, noted::Grounds},
    server::graphql_http::media::Media,
    service::versions::Source,
};

const MIB: usize = 1 << 20;
const SEATS: Source = Source::Seats(SeriesId(uuid::Uuid::from_u128(7)));

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_900_000_000, 0).unwrap()
}

fn answers(bytes: usize) -> Arc<Answers> {
    Arc::new(Answers::new(bytes, Arc::new(Versions::new(false)), Clock::manual(noon())))
}

fn asked(text: &str) -> Asked {
    Asked::new(By::Post, Media::Json, Language::English, Bytes::copy_from_slice(text.as_bytes()))
}

fn made(answers: &Answers, text: &[u8], until: Option<DateTime<Utc>>) -> Made {
    let grounds = Grounds { sources: vec![Source::Catalogue, SEATS], until };
    Made { pieces: vec![Bytes::copy_from_slice(text)], grounds, since: answers.point() }
}

fn text(answer: &Remembered) -> Vec<u8> {
    answer.pieces().concat()
}

#[test]
fn an_answer_is_found_until_something_that_it_depends_on_has_changed() {
    let answers = answers(MIB);
    let (one, other) = (asked("one"), asked("other"));
    for changed in [Source::Catalogue, SEATS] {
        answers.keep(&one, made(&answers, b"1", None), None);
        assert_eq!(text(&answers.find(&one).unwrap()), b"1");
        assert!(answers.find(&other).is_none());
        answers.versions.changed(changed);
        assert!(answers.find(&one).is_none());
    }
    // What was overtaken while it was made is not remembered, and is still its maker's.
    let late = made(&answers, b"2", None);
    answers.versions.changed(SEATS);
    assert_eq!(text(&answers.keep(&one, late, None)), b"2");
    assert!(answers.find(&one).is_none());
}

#[test]
fn time_alone_ends_an_answer_to_the_millisecond() {
    let answers = answers(MIB);
    let one = asked("one");
    let until = noon() + TimeDelta::milliseconds(10);
    answers.keep(&one, made(&answers, b"1", Some(until)), None);
    for (ms, is_there) in [(0, true), (9, true), (10, false), (11, false)] {
        answers.clock.set(noon() + TimeDelta::milliseconds(ms));
        assert_eq!(answers.find(&one).is_some(), is_there, "{ms} ms");
    }
    // A clock that is set back shows what was before it was made.
    answers.keep(&one, made(&answers, b"1", None), None);
    answers.clock.set(noon());
    assert!(answers.find(&one).is_none());
}

#[test]
fn by_another_way_in_another_language_or_as_another_media_type_it_is_another_question() {
    let text = Bytes::from_static(b"{\"query\":\"{ __typename }\"}");
    let mut all = Vec::new();
    for by in [By::Post, By::Get] {
        for media in [Media::Json, Media::GraphqlResponse] {
            for language in Language::ALL {
                all.push(Asked::new(by, media, language, text.clone()));
            }
        }
    }
    let answers = answers(MIB);
    for (n, one) in all.iter().enumerate() {
        assert!(answers.find(one).is_none());
        answers.keep(one, made(&answers, &[u8::try_from(n).unwrap()], None), None);
    }
    for (n, one) in all.iter().enumerate() {
        assert_eq!(self::text(&answers.find(one).unwrap()), [u8::try_from(n).unwrap()]);
    }
}

#[test]
fn a_flood_of_questions_and_of_the_longest_answers_takes_no_more_than_there_is_room() {
    let bytes = 64 * MIB;
    let answers = answers(bytes);
    let house = vec![b'x'; 14 * MIB];
    for n in 0..40 {
        let question = asked(&format!("house {n}"));
        answers.keep(&question, made(&answers, &house, None), None);
        assert!(answers.bytes() <= bytes, "{n}: {}", answers.bytes());
    }
    let popular = asked("popular");
    answers.keep(&popular, made(&answers, b"popular", None), None);
    for n in 0..40_000 {
        if n % 10 == 0 {
            assert!(answers.find(&popular).is_some(), "{n}: what is asked for often stays");
        }
        let question = asked(&format!("{n} {}", "#".repeat(1_000)));
        answers.keep(&question, made(&answers, &[b'x'; 500], None), None);
        if n % 1_000 == 0 {
            assert!(answers.bytes() <= bytes, "{n}: {}", answers.bytes());
        }
    }
    assert!(answers.bytes() <= bytes);
    // One that is longer than its part is sent, and not kept, whatever room there is.
    let answers = self::answers(bytes);
    let (long, whole) = (asked("long"), vec![b'x'; bytes / PART + 1]);
    assert_eq!(text(&answers.keep(&long, made(&answers, &whole, None), None)).len(), whole.len());
    assert!(answers.find(&long).is_none());
}

#[tokio::test]
async fn the_compressed_form_is_made_once_and_counted() {
    let answers = answers(MIB);
    let one = asked("one");
    let kept = answers.keep(&one, made(&answers, &[b'x'; 1_000], None), None);
    let before = answers.bytes();
    let counted = AtomicUsize::new(0);
    for _ in 0..3 {
        let zip = async {
            counted.fetch_add(1, Ordering::SeqCst);
            Some(vec![Bytes::from(vec![b'z'; 100_000])])
        };
        assert_eq!(kept.zip(zip).await.unwrap()[0].len(), 100_000);
        answers.weigh_again(&one, &kept);
    }
    assert_eq!((counted.load(Ordering::SeqCst), answers.bytes()), (1, before + 100_000));
    assert!(answers.kept.weighted_size() >= 100_000);
    // Where it cannot be done now it is tried again.
    let other = answers.keep(&asked("other"), made(&answers, b"x", None), None);
    assert!(other.zip(async { None }).await.is_none());
    assert!(other.zip(async { Some(Vec::new()) }).await.is_some());
}

/// So many come at once while nothing is remembered.
async fn stampede(
    answers: &Arc<Answers>,
    makes: impl Fn() -> Made + Clone + Send + 'static,
) -> (usize, Vec<bool>) {
    const MANY: usize = 50;
    let (made, all_here) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(MANY)));
    let tasks = (0..MANY).map(|_| {
        let (answers, made, all_here, makes) =
            (Arc::clone(answers), Arc::clone(&made), Arc::clone(&all_here), makes.clone());
        tokio::spawn(async move {
            let (one, arrived) = (asked("one"), answers.arrived());
            all_here.wait().await;
            match answers.wait(&one, arrived).await {
                Waited::Made(_) => true,
                Waited::Make(turn) => {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    answers.keep(&one, makes(), turn);
                    false
                }
            }
        })
    });
    let got = join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.turns.is_empty(), "what nobody waits for is forgotten");
    (made.load(Ordering::SeqCst), got)
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_makes_the_answer() {
    let answers = answers(MIB);
    let here = Arc::clone(&answers);
    let (count, got) = stampede(&answers, move || made(&here, b"1", None)).await;
    assert_eq!((count, got.iter().filter(|got| **got).count()), (1, 49));
}

/// Something changes while the answer is made, each time: those who had come before it have it all the same.
#[tokio::test]
async fn an_answer_that_is_overtaken_is_still_that_of_those_who_had_come_before() {
    let answers = answers(MIB);
    let here = Arc::clone(&answers);
    let makes = move || {
        let made = made(&here, b"1", None);
        here.versions.changed(SEATS);
        made
    };
    let (count, _) = stampede(&answers, makes).await;
    assert_eq!(count, 1);
    // Who comes now knows of the change, and gets nothing from before.
    let (one, arrived) = (asked("one"), answers.arrived());
    let Waited::Make(Some(turn)) = answers.wait(&one, arrived).await else { panic!("it was overtaken") };
    let old = Made { since: answers.point(), ..made(&answers, b"old", None) };
    answers.versions.changed(SEATS);
    let later = answers.arrived();
    let waiting = {
        let (answers, one) = (Arc::clone(&answers), one.clone());
        tokio::spawn(async move { answers.wait(&one, later).await })
    };
    tokio::task::yield_now().await;
    answers.keep(&one, old, Some(turn));
    assert!(matches!(waiting.await.unwrap(), Waited::Make(Some(_))));
}

/// No change is counted when a hold lapses, so the point alone does not say that an answer is from before.
#[tokio::test]
async fn who_comes_after_a_hold_has_lapsed_gets_nothing_from_before() {
    let answers = answers(MIB);
    let (one, until) = (asked("one"), noon() + TimeDelta::milliseconds(10));
    let Waited::Make(Some(turn)) = answers.wait(&one, answers.arrived()).await else { panic!() };
    let old = made(&answers, b"old", Some(until));
    let wait = || {
        let (answers, one, arrived) = (Arc::clone(&answers), one.clone(), answers.arrived());
        tokio::spawn(async move { answers.wait(&one, arrived).await })
    };
    let before = wait();
    answers.clock.set(until);
    let after = wait();
    tokio::task::yield_now().await;
    answers.keep(&one, old, Some(turn));
    assert!(matches!(before.await.unwrap(), Waited::Made(_)));
    assert!(matches!(after.await.unwrap(), Waited::Make(Some(_))));
}

#[tokio::test]
async fn where_it_fails_they_do_not_fail_one_after_the_other() {
    let answers = answers(MIB);
    let (one, arrived) = (asked("one"), answers.arrived());
    let Waited::Make(Some(turn)) = answers.wait(&one, arrived).await else { panic!() };
    let waiting = (0..50).map(|_| {
        let (answers, one) = (Arc::clone(&answers), one.clone());
        tokio::spawn(async move { answers.wait(&one, arrived).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::task::yield_now().await;
    turn.failed();
    // All of them at once, each on its own.
    for waited in waiting {
        assert!(matches!(waited.await.unwrap(), Waited::Make(None)));
    }
    // Who goes away in the middle has not failed: the next one has the turn.
    let (one, arrived) = (asked("one"), answers.arrived());
    let Waited::Make(Some(turn)) = answers.wait(&one, arrived).await else { panic!() };
    let waiting = {
        let (answers, one) = (Arc::clone(&answers), one.clone());
        tokio::spawn(async move { answers.wait(&one, arrived).await })
    };
    tokio::task::yield_now().await;
    drop(turn);
    let next = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    assert!(matches!(next, Waited::Make(Some(_))));
}
