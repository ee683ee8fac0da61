//! From a bearer token to what resolvers know of the caller.

use std::sync::Arc;

use async_graphql::Request;

use crate::{
    graphql::{error::Outdated, loaders::Loaders, shown::Shown},
    server::endpoint::{Authenticate, Lapse, Refusal, Session},
    service::{
        Services,
        identity::{BadToken, Verified},
    },
};

/// Checks a token once, and its end again with each operation: a socket may outlive it. What is public is answered all
/// the same then; where a token is needed the resolvers say that this one has ended.
pub(super) fn authenticate(services: Arc<Services>) -> Authenticate {
    Arc::new(move |token| {
        let services = Arc::clone(&services);
        let known = match token.map(|token| services.caller(token)) {
            None => Known::Nobody,
            Some(Ok(token)) => Known::Caller(token),
            Some(Err(BadToken::Outdated)) => Known::Outdated,
            Some(Err(bad @ BadToken::Unacceptable(_))) => {
                return Err(Refusal::unauthenticated(bad.to_string()));
            }
        };
        let session: Session = Arc::new(move |request: &mut Request| {
            request.data.insert(Arc::clone(&services));
            request.data.insert(Loaders::new(Arc::clone(&services)));
            match &known {
                Known::Nobody => {}
                Known::Caller(token) if services.clock().now() < token.until => {
                    let shown = Arc::new(Shown::new(Arc::clone(token)));
                    request.data.insert(Arc::clone(&shown));
                    request.data.insert(lapse(&services, shown));
                }
                Known::Caller(_) | Known::Outdated => {
                    request.data.insert(Outdated(BadToken::Outdated.to_string()));
                }
            }
            Ok(())
        });
        Ok(session)
    })
}

/// What ends with the token: whatever of the operation was for its owner alone by then. Nothing can be afterwards, because
/// the resolvers ask again.
fn lapse(services: &Arc<Services>, shown: Arc<Shown>) -> Lapse {
    let clock = services.clock().clone();
    Lapse::new(move || {
        let (clock, shown) = (clock.clone(), Arc::clone(&shown));
        async move {
            clock.sleep_until(shown.until()).await;
            if !shown.was_relied_on() {
                std::future::pending::<()>().await;
            }
            Refusal::unauthenticated(BadToken::Outdated.to_string())
        }
    })
}

/// What a token says of whoever shows it.
enum Known {
    Nobody,
    Caller(Arc<Verified>),
    Outdated,
}
