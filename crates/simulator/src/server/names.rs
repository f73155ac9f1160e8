//! The names by which clients reach the simulator.

use crate::args::Serve;

/// The hosts of Azure and of its storage accounts.
pub(super) struct Names {
    host: String,
    authority: String,
    /// Suffix of storage accounts, after `ACCOUNT.blob.`, with the port unless it is 443.
    pub(super) blob_suffix: String,
}

impl Names {
    /// The names from the arguments, with the actual port.
    pub(super) fn of(arguments: &Serve, port: u16) -> Self {
        let host = arguments.host.clone();
        let authority = if port == 443 { host.clone() } else { format!("{host}:{port}") };
        let blob_suffix = arguments.blob_suffix.clone().unwrap_or_else(|| authority.clone());
        Self { host, authority, blob_suffix }
    }

    /// Base of all URLs in answers.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// The names that a certificate has to cover.
    pub(super) fn certified(&self) -> Vec<String> {
        let suffix = self.blob_suffix.split(':').next().unwrap_or_default();
        vec![self.host.clone(), format!("*.blob.{suffix}")]
    }
}
