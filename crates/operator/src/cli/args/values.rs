//! Parsers of values that have a form of their own. Their errors show the form.

use ipnet::IpNet;
use url::Url;

/// Most namespaces of `--namespaces`: each has three watches of its own.
pub(crate) const MOST_NAMESPACES: usize = 32;
/// Longest `--cluster-id`, in characters: that of a uid. The owner mark is to stay within its length.
const LONGEST_CLUSTER_ID: usize = 36;

/// Networks between commas; none in an empty text, which is what a manifest holds that nobody filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkList(pub Vec<IpNet>);

/// Namespaces between commas, each once; all of the cluster in an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceList(pub Vec<String>);

pub(super) fn model_host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let (host, port) = name.split_once(':').unwrap_or((name, "443"));
    let star = if name.len() < text.len() { "*." } else { "" };
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let named = host.contains('.') && host.split('.').all(label) && host.parse::<std::net::IpAddr>().is_err();
    let host = host.to_ascii_lowercase();
    match port.parse::<u16>() {
        // URLs do not name the port of their scheme
        Ok(443) if named => Ok(format!("{star}{host}")),
        Ok(port) if named => Ok(format!("{star}{host}:{port}")),
        _ => Err("a host by its name, HOST[:PORT] or *.HOST[:PORT]".to_owned()),
    }
}

pub(super) fn networks(text: &str) -> Result<NetworkList, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let network =
        |part: &str| part.parse().map_err(|error| format!("{part}: {error}; write 10.244.0.0/16,10.245.0.0/16"));
    parts.map(network).collect::<Result<_, _>>().map(NetworkList)
}

pub(super) fn namespaces(text: &str) -> Result<NamespaceList, String> {
    let mut names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    let is_name = |name: &&String| {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        name.len() <= 63 && name.bytes().all(letters) && !name.starts_with('-') && !name.ends_with('-')
    };
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(format!("{wrong} is no name of a namespace; write team-a,team-b"));
    }
    if names.len() > MOST_NAMESPACES {
        return Err(format!(
            "{} namespaces; {MOST_NAMESPACES} are the most: install more than one operator",
            names.len()
        ));
    }
    Ok(NamespaceList(names))
}

pub(super) fn cluster_id(text: &str) -> Result<String, String> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text {
        "" => Err("it is empty; leave it out, or give the uid of namespace kube-system or another UUID".to_owned()),
        text if text.len() <= LONGEST_CLUSTER_ID && text.bytes().all(letters) => Ok(text.to_owned()),
        _ => Err(format!("up to {LONGEST_CLUSTER_ID} lower-case letters, digits and `-`, as a UUID has them")),
    }
}

pub(super) fn proxy(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && (url.username(), url.password()) == ("", None)
    });
    // without the text, which may hold a password
    url.ok_or_else(|| "--scoring-proxy has the form http://HOST:PORT or https://HOST:PORT, without a user".to_owned())
}

pub(super) fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.001..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0.001 to 100".to_owned()),
    }
}
