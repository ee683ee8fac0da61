//! Rule 20 in a long line: how soon who waits hears of its place, near the front and far back.

use serde_json::json;

use test_support::{Fan, Plan, Server, Watch, int, ms};

/// News comes less often behind this place.
const FAR_BACK: usize = 1_000;

/// How long news is collected near the front, and how long far back, in milliseconds.
const NEAR_MS: i64 = 500;
const FAR_MS: i64 = 5_000;

/// A date with one who is admitted, and a line behind.
struct Line {
    server: Server,
    series: String,
    /// By the place at first: 0 for who is admitted.
    fans: Vec<Fan>,
}

impl Line {
    /// So many wait, and are never silent for too long.
    async fn of(waiting: usize) -> Self {
        let server = Server::start().await;
        let policy = json!({ "maxActive": 1, "sessionSeconds": 86_400, "heartbeatTimeoutSeconds": 86_400 });
        let series = server.organizer().date(Plan::policy(policy)).await.series;
        let fans = server.crowd(waiting + 1, &series).await;
        server.settle(&series).await;
        Self { server, series, fans }
    }

    /// The stream of the fan at this place, who has seen it there.
    async fn watch(&self, place: usize) -> Watch {
        let mut watch = self.fans[place].watch_place().await;
        assert_eq!(place_in(&mut watch).await, place);
        watch
    }

    /// The fan who had this place at first leaves.
    async fn leaves(&self, place: usize) {
        assert_eq!(self.fans[place].leave().await["status"], "LEFT");
    }

    async fn advance(&self, milliseconds: i64) {
        self.server.advance(ms(milliseconds), &self.series).await;
    }

    /// Nobody hears anything. The rooms have answered one look more by then, after those of the streams.
    async fn is_quiet_for(&self, watches: &mut [&mut Watch]) {
        self.fans[0].heartbeat().await;
        for watch in watches {
            watch.is_quiet().await;
        }
    }
}

async fn place_in(watch: &mut Watch) -> usize {
    usize::try_from(int(&watch.next().await.unwrap()["position"])).unwrap()
}

/// Near the front twice a second, behind place 1,000 every five seconds: and not more often, so that a long line does not
/// cost a look of everybody for each who leaves. Who is told when is spread over that time.
#[tokio::test]
async fn news_of_the_line_comes_soon_near_the_front_and_less_often_far_back() {
    let line = Line::of(FAR_BACK + 200).await;
    let (mut near, mut last_near) = (line.watch(50).await, line.watch(FAR_BACK).await);
    let (mut first_far, mut far) = (line.watch(FAR_BACK + 30).await, line.watch(FAR_BACK + 150).await);
    let times = usize::try_from(FAR_MS / NEAR_MS).unwrap();
    for round in 0..2 {
        for gone in 1..=times {
            line.leaves(round * times + gone).await;
            line.is_quiet_for(&mut [&mut near, &mut last_near]).await;
            line.advance(NEAR_MS).await;
            let gone = round * times + gone;
            assert_eq!(place_in(&mut near).await, 50 - gone);
            assert_eq!(place_in(&mut last_near).await, FAR_BACK - gone);
            line.is_quiet_for(&mut [&mut near, &mut last_near]).await;
        }
        for (watch, place) in [(&mut first_far, FAR_BACK + 30), (&mut far, FAR_BACK + 150)] {
            let told = place - place_in(watch).await;
            assert!((round * times + 1..=(round + 1) * times).contains(&told), "{round}: {told}");
            watch.is_quiet().await;
        }
    }
}

/// What happened meanwhile is one change, told as it is now: whoever lags gets the newest state, never a backlog.
#[tokio::test]
async fn many_changes_of_the_line_are_one_message() {
    let line = Line::of(FAR_BACK + 200).await;
    let (mut near, mut far) = (line.watch(100).await, line.watch(FAR_BACK + 150).await);
    line.is_quiet_for(&mut [&mut near, &mut far]).await;
    for place in 1..=30 {
        line.leaves(place).await;
    }
    line.is_quiet_for(&mut [&mut near, &mut far]).await;
    line.advance(NEAR_MS).await;
    assert_eq!(place_in(&mut near).await, 70);
    line.is_quiet_for(&mut [&mut near, &mut far]).await;
    for place in 31..=60 {
        line.leaves(place).await;
    }
    line.advance(FAR_MS).await;
    assert_eq!(place_in(&mut near).await, 40);
    assert_eq!(place_in(&mut far).await, FAR_BACK + 90);
    line.is_quiet_for(&mut [&mut near, &mut far]).await;
    line.advance(FAR_MS).await;
    line.is_quiet_for(&mut [&mut near, &mut far]).await;
}
