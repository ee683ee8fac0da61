//! The connection to PostgreSQL is lost in the moment of a commit: whether it took place has to be found out, because
//! neither answer may be guessed (rules 17 and 19).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use frontrow::domain::text::PersonName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use test_support::needs;

use crate::houses::{Houses, fan, key};

/// When to cut the next commit.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Cut {
    Never,
    /// PostgreSQL never hears of it.
    Before,
    /// PostgreSQL does it, but its word is lost.
    After,
}

/// Stands between a house and PostgreSQL.
struct Wire {
    url: String,
    cut: Arc<AtomicU8>,
}

impl Wire {
    async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().to_string();
        let address = url.split("://").nth(1).unwrap().split('/').next().unwrap();
        let far = address.rsplit('@').next().unwrap().to_owned();
        let (url, cut) = (url.replace(&far, &near), Arc::new(AtomicU8::new(Cut::Never as u8)));
        let cutting = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((house, _)) = listener.accept().await {
                let postgres = TcpStream::connect(&far).await.unwrap();
                tokio::spawn(carry(house, postgres, Arc::clone(&cutting)));
            }
        });
        Self { url, cut }
    }

    fn cut(&self, when: Cut) {
        self.cut.store(when as u8, Ordering::SeqCst);
    }

    #[track_caller]
    fn was_cut(&self) {
        assert!(self.cut.load(Ordering::SeqCst) == Cut::Never as u8, "there was no commit");
    }
}

async fn carry(mut house: TcpStream, mut postgres: TcpStream, cut: Arc<AtomicU8>) {
    let (mut said, mut told) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        tokio::select! {
            read = house.read(&mut said) => match read {
                Ok(0) | Err(_) => return,
                Ok(n) => {
                    if said[..n].windows(7).any(|part| part == b"COMMIT\0") {
                        let when = cut.swap(Cut::Never as u8, Ordering::SeqCst);
                        if when == Cut::After as u8 {
                            postgres.write_all(&said[..n]).await.unwrap();
                            // It has been done when there is an answer, which nobody gets.
                            assert!(postgres.read(&mut told).await.unwrap() > 0);
                        }
                        if when != Cut::Never as u8 {
                            return;
                        }
                    }
                    if postgres.write_all(&said[..n]).await.is_err() { return }
                }
            },
            read = postgres.read(&mut told) => match read {
                Ok(0) | Err(_) => return,
                Ok(n) => if house.write_all(&told[..n]).await.is_err() { return },
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_commit_was_about_is_done_once_and_answered() {
    needs!(Postgres);
    let mut houses = Houses::open(1).await;
    let date = houses.date(10).await;
    let wire = Wire::to(&houses.fresh.url).await;
    houses.each.push(Houses::house(&wire.url).await);
    // Opens the waiting room, which reads a lot.
    houses.each[1].join(None, fan(9).user, PersonName::none(), date.id).await.unwrap();
    for (number, when) in [Cut::Before, Cut::After].into_iter().enumerate() {
        let (house, fan) = (&houses.each[1], &fan(number));

        wire.cut(when);
        let joined = house.join(None, fan.user.clone(), PersonName::none(), date.id).await.unwrap();
        wire.was_cut();
        let again = house.join(None, fan.user.clone(), PersonName::none(), date.id).await.unwrap();
        assert_eq!(again.position.place.token, joined.position.place.token);

        wire.cut(when);
        let (line, wallet) = house.charge(fan, None, 300, key("charge")).await.unwrap();
        wire.was_cut();
        assert_eq!((wallet.balance, wallet.lines), (300, 1));
        assert_eq!(house.charge(fan, None, 300, key("charge")).await.unwrap().0, line);

        wire.cut(when);
        let held = house.hold_seats(fan, vec![date.seats[number]]).await.unwrap();
        wire.was_cut();
        let holds = house.holds(fan).await.unwrap();
        assert_eq!(holds, held);

        wire.cut(when);
        let held = held.into_iter().map(|hold| hold.id).collect();
        let (_, _, wallet) = house.pay(fan, Some(held), key("pay")).await.unwrap();
        wire.was_cut();
        assert_eq!((wallet.balance, wallet.lines), (200, 2));

        wire.cut(when);
        let (_, wallet) = house.cancel(fan, houses.ticket(fan).await, key("cancel")).await.unwrap();
        wire.was_cut();
        assert_eq!((wallet.balance, wallet.lines), (300, 3));
    }
    tokio::time::timeout(Duration::from_secs(60), houses.close_in_order()).await.unwrap();
}
