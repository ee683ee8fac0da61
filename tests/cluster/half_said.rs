//! A process falls silent in the middle of what it says to PostgreSQL: a statement has its values, and nothing says that it
//! is to be carried out. PostgreSQL does not count that as an idle transaction, and the date is locked by it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use frontrow::clock::Clock;
use test_support::{Process, ms, needs, now, secs};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    processes::{Processes, command},
    traffic::{Answers, Date, Stop, hold_and_release, while_they_buy},
};

/// What the date's fans may have to wait, and those of another one.
const STUCK: chrono::TimeDelta = chrono::TimeDelta::milliseconds(2_500);
const OTHER: chrono::TimeDelta = chrono::TimeDelta::milliseconds(500);

/// Statements with longer values are those that write a batch, and come when its date is locked.
const WRITES: usize = 300;

/// A way to PostgreSQL on which everything stops behind the values of a statement that writes, so often as is asked for.
#[derive(Clone, Default)]
struct Wire {
    /// How many are still to be stopped.
    stops: Arc<AtomicUsize>,
}

impl Wire {
    /// A URL that leads to where the other one does.
    async fn to(&self, url: &str) -> String {
        let far = url.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().to_string();
        let (wire, there) = (self.clone(), far.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(wire.clone().carry(near, there.clone()));
            }
        });
        url.replace(&far, &near)
    }

    async fn carry(self, near: TcpStream, far: String) -> std::io::Result<()> {
        let ((from, mut back), (mut answers, to)) =
            (near.into_split(), TcpStream::connect(far).await?.into_split());
        tokio::select! {
            said = self.say(from, to) => said,
            answered = tokio::io::copy(&mut answers, &mut back) => answered.map(|_| ()),
        }
    }

    /// Message by message; the first have no letter.
    async fn say(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        const PLEASE_ENCRYPT: [u8; 4] = 80_877_103_u32.to_be_bytes();
        loop {
            let hello = message(&mut from, 0).await?;
            to.write_all(&hello).await?;
            if hello[4..] != PLEASE_ENCRYPT {
                break;
            }
        }
        loop {
            let message = message(&mut from, 1).await?;
            to.write_all(&message).await?;
            let stops = message[0] == b'B' && message.len() > WRITES;
            let left = |left: usize| left.checked_sub(1);
            if stops && self.stops.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// So many bytes, then a length and what it counts.
async fn message(from: &mut OwnedReadHalf, letter: usize) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; letter + 4];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes(message[letter..].try_into().unwrap()) as usize;
    message.resize(letter + length, 0);
    from.read_exact(&mut message[letter + 4..]).await?;
    Ok(message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_never_to_be_carried_out_holds_up_its_date_shortly_and_no_other() {
    needs!(Postgres);
    let (mut processes, wire) = (Processes::started(2, None).await, Wire::default());
    let victim = command(processes.folder.path(), &wire.to(&processes.url).await, None);
    processes.each.push(Process::listening(victim));
    let (stuck, other) = (Date::make(&processes, 20).await, Date::make(&processes, 20).await);
    let (stop, client) = (Stop::default(), processes.client(2));
    let guest = stuck.guest(&client, 500).await;
    // Its fan waits for it, and does not count.
    let waits = tokio::spawn(hold_and_release(client, guest, stuck.seats[19].clone(), stop.clone(), true));
    let begun = now();
    let stops = async {
        Clock::system().sleep(secs(2)).await;
        let troubles = now();
        for _ in 0..2 {
            wire.stops.fetch_add(1, Ordering::SeqCst);
            Clock::system().sleep(secs(8)).await;
            assert_eq!(wire.stops.load(Ordering::SeqCst), 0, "nothing was stopped");
        }
        troubles
    };
    let (answers, troubles) = while_they_buy(&processes, &[0, 1], &[&stuck, &other], 3, stops).await;
    let until = now();
    stop.now();
    waits.await.unwrap();
    let longest = |of: &[Answers], from, until| of.iter().map(|fan| fan.longest(from, until)).max().unwrap();
    let usual = longest(&answers[0], begun, troubles).max(longest(&answers[1], begun, troubles));
    let (it, others) = (longest(&answers[0], troubles, until), longest(&answers[1], troubles, until));
    assert!(it >= ms(700), "nothing got stuck: {it}");
    assert!(it <= STUCK + usual, "{it}, usually {usual}");
    assert!(others <= OTHER + usual, "another date: {others}, usually {usual}");
    processes.audit();
}
