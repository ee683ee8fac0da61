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
    far: watch::Sender<String>,
    cut: watch::Sender<bool>,
}

impl Wire {
    /// To the store at this address.
    pub(crate) async fn to(far: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap().to_string(), watch::Sender::new(false));
        let far = watch::Sender::new(far.to_owned());
        let (cutting, leading) = (cut.clone(), far.subscribe());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = leading.borrow().clone();
                tokio::spawn(carry(near, far, cutting.subscribe()));
            }
        });
        Self { address, far, cut }
    }

    /// The same to where this URL leads, and the URL that leads here.
    pub(crate) async fn to_url(url: &str) -> (Self, String) {
        let far = host(url);
        let wire = Self::to(&far).await;
        let url = url.replace(&far, &wire.address);
        (wire, url)
    }

    /// New connections lead to the store of that URL.
    pub(crate) fn lead_to(&self, url: &str) {
        self.far.send_replace(host(url));
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

/// The address in a URL.
fn host(url: &str) -> String {
    let after = url.split("://").nth(1).unwrap();
    after.split('/').next().unwrap().rsplit('@').next().unwrap().to_owned()
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
