//! What anybody needs to check a draw (rule 5): the commitment, the secret once it is drawn, and the token ids of
//! the lobby, without whose they are.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;

use crate::{
    domain::{id::SeriesId, lobby},
    service::{Failure, House},
};

/// The published draw.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    series_id: String,
    commitment: String,
    secret: Option<String>,
    /// In the order of the joins.
    lobby: Vec<String>,
    /// As the secret orders them; empty until the draw.
    order: Vec<String>,
}

pub(super) fn routes(house: Arc<House>) -> Router {
    Router::new().route("/draw/{series_id}", get(draw)).with_state(house)
}

async fn draw(State(house): State<Arc<House>>, Path(series): Path<String>) -> Response {
    let Ok(id) = series.parse::<SeriesId>() else {
        return (StatusCode::BAD_REQUEST, "the id of a date is a UUID\n").into_response();
    };
    match published(&house, id).await {
        Ok(draw) => Json(draw).into_response(),
        Err(Failure::NotFound(_)) => (StatusCode::NOT_FOUND, "there is no such date\n").into_response(),
        Err(failure) => {
            tracing::error!(?failure, %id, "the draw cannot be published");
            (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n").into_response()
        }
    }
}

async fn published(house: &House, id: SeriesId) -> Result<Published, Failure> {
    let (series, tokens) = house.draw(id).await?;
    let drawn = series.drawn_at.is_some();
    let order = if drawn { lobby::order(&series.draw_secret, tokens.iter().copied()) } else { Vec::new() };
    let print = |ids: Vec<crate::domain::id::TokenId>| ids.iter().map(ToString::to_string).collect();
    Ok(Published {
        series_id: id.to_string(),
        commitment: series.draw_secret.commitment(),
        secret: drawn.then(|| series.draw_secret.reveal()),
        lobby: print(tokens),
        order: print(order),
    })
}
