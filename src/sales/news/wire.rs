//! News as they travel. A process that does not understand a letter looks into the database instead, so that two versions
//! of this program may run side by side.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Event;
use crate::{
    domain::id::SeriesId,
    sales::parts::Committed,
    store::{journal::Version, log},
};

#[derive(Serialize, Deserialize)]
struct Letter {
    from: Uuid,
    news: Vec<News>,
}

#[derive(Serialize, Deserialize)]
enum News {
    Committed {
        date: Uuid,
        before: (i64, Uuid),
        after: (i64, Uuid),
        format: i32,
        /// As in the date's log.
        batch: Vec<u8>,
    },
    Created(Uuid),
}

pub(super) fn write(from: Uuid, events: impl Iterator<Item = Event>) -> Result<Vec<u8>, String> {
    let news = events.map(|event| match event {
        Event::Committed(committed) => {
            let Committed { date, before, version, batch } = *committed;
            Ok(News::Committed {
                date: date.0,
                before: (before.number, before.head),
                after: (version.number, version.head),
                format: log::FORMAT,
                batch: log::encode(&batch)?,
            })
        }
        Event::Created(date) => Ok(News::Created(date.0)),
    });
    let news = news.collect::<Result<_, String>>()?;
    postcard::to_allocvec(&Letter { from, news }).map_err(|error| error.to_string())
}

/// Who told, and what.
pub(super) fn read(letter: &[u8]) -> Result<(Uuid, Vec<Event>), String> {
    let Letter { from, news } = postcard::from_bytes(letter).map_err(|error| error.to_string())?;
    let news = news.into_iter().map(|news| {
        Ok(match news {
            News::Committed { date, before, after, format, batch } => {
                let version = |(number, head)| Version { number, head };
                let batch = log::decode(format, &batch).map_err(|error| error.to_string())?;
                let (before, version) = (version(before), version(after));
                Event::Committed(Box::new(Committed { date: SeriesId(date), before, version, batch }))
            }
            News::Created(date) => Event::Created(SeriesId(date)),
        })
    });
    Ok((from, news.collect::<Result<_, String>>()?))
}
