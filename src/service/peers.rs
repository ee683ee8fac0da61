//! What other processes tell of their commits is taken in here as if it were this one's own.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    sales::{
        news::{Event, Incoming, Told},
        versions::Source,
    },
    service::{Sales, census::Census},
};

/// Listens until the process stops.
pub(super) async fn listen(
    mut incoming: Incoming,
    sales: Arc<Sales>,
    census: Arc<Census>,
    stop: CancellationToken,
) {
    loop {
        let told = tokio::select! {
            () = stop.cancelled() => return,
            told = incoming.next() => told,
        };
        match told {
            None => return,
            Some(Told::Missed) => {
                sales.look_again();
                census.date_created();
            }
            Some(Told::News(news)) => {
                for event in news {
                    match event {
                        Event::Committed(committed) => sales.hear_of(&committed).await,
                        Event::Created(_) => {
                            census.date_created();
                            sales.parts().versions.changed(Source::Catalogue);
                        }
                    }
                }
            }
        }
    }
}
