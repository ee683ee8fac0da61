//! A way to a store that can be cut so that neither end is told.

use std::time::Duration;

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Carries what passes between whoever connects here and a store. While it is cut nothing passes, and nothing is closed.
pub(crate) struct Wire {
    /// Where to connect to instead of the store.
    pub(crate) address: String,
    cut: watch::Sender<bool>,
}

impl Wire {
    /// To the store at this address.
    pub(crate) async fn to(far: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap().to_string(), watch::Sender::new(false));
        let (cutting, far) = (cut.clone(), far.to_owned());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, far.clone(), cutting.subscribe()));
            }
        });
        Self { address, cut }
    }

    /// The same to where this URL leads, and the URL that leads here.
    pub(crate) async fn to_url(url: &str) -> (Self, String) {
        let after = url.split("://").nth(1).unwrap();
        let far = after.split('/').next().unwrap().rsplit('@').next().unwrap().to_owned();
        let wire = Self::to(&far).await;
        let url = url.replace(&far, &wire.address);
        (wire, url)
    }

    /// From now on nothing passes.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// From now on all passes again that comes by new connections; what was open is closed.
    pub(crate) fn mend(&self) {
        self.cut.send_replace(false);
    }
}

async fn carry(mut near: TcpStream, far: String, mut cut: watch::Receiver<bool>) {
    if !*cut.borrow() {
        let Ok(mut far) = TcpStream::connect(&far).await else { return };
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
            _ = cut.wait_for(|cut| *cut) => {}
        }
        // Open until it is mended, and nothing passes any more.
        let _ = cut.wait_for(|cut| !*cut).await;
        drop(far);
        return;
    }
    let _ = tokio::time::timeout(Duration::from_secs(600), cut.wait_for(|cut| !*cut)).await;
}
