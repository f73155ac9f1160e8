//! By which names clients reach the simulator.

use crate::args::Serve;

/// Where Azure is, and its storage accounts.
pub(super) struct Names {
    host: String,
    authority: String,
    /// Storage accounts are `ACCOUNT.blob.` and this, with the port unless it is that of https.
    pub(super) blob_suffix: String,
}

impl Names {
    /// What the arguments ask for, with the port that is listened on.
    pub(super) fn of(arguments: &Serve, port: u16) -> Self {
        let host = arguments.host.clone();
        let authority = if port == 443 { host.clone() } else { format!("{host}:{port}") };
        let blob_suffix = arguments.blob_suffix.clone().unwrap_or_else(|| authority.clone());
        Self { host, authority, blob_suffix }
    }

    /// Base of the URLs that are given out.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// What a certificate has to vouch for.
    pub(super) fn certified(&self) -> Vec<String> {
        let suffix = self.blob_suffix.split(':').next().unwrap_or_default();
        vec![self.host.clone(), format!("*.blob.{suffix}")]
    }
}
