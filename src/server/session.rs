//! From a bearer token to what resolvers know of the caller.

use std::sync::Arc;

use async_graphql::Request;

use crate::{
    graphql::loaders::loaders,
    server::endpoint::{Authenticate, Refusal, Session},
    service::House,
};

/// Checks a token once, and its end again with each operation: a socket may outlive it.
pub(super) fn authenticate(house: Arc<House>) -> Authenticate {
    Arc::new(move |token| {
        let house = Arc::clone(&house);
        let known = match token {
            Some(token) => Some(house.caller(token).map_err(Refusal::unauthenticated)?),
            None => None,
        };
        let session: Session = Arc::new(move |request: &mut Request| {
            request.data.insert(Arc::clone(&house));
            request.data.insert(loaders(Arc::clone(&house)));
            if let Some((caller, until)) = &known {
                if house.clock().now() >= *until {
                    return Err(Refusal::unauthenticated("The token is outdated; get a new one."));
                }
                request.data.insert(caller.clone());
            }
            Ok(())
        });
        Ok(session)
    })
}
