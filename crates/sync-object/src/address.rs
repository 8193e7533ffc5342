//! From an address and the variables of the environment to a store.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder,
    http::HttpBuilder,
    path::Path,
};
use url::{Host, Position, Url};

use crate::{RemoteConfig, RemoteError, http::Connector};

/// The variables with credentials, for people.
const AWS: &str = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, AWS_SESSION_TOKEN with \
                   credentials for a time, and AWS_ENDPOINT_URL where it is not Amazon's";
const GOOGLE: &str = "GOOGLE_APPLICATION_CREDENTIALS, the path of a service account's key";
const AZURE: &str = "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY";
const DAV: &str = "TOWLINE_WEBDAV_USER and TOWLINE_WEBDAV_PASSWORD";

/// Without one of these the engines would ask services that only machines of the same provider can
/// reach, and wait for them.
const AWS_SECRETS: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"];
const GOOGLE_SECRETS: [&str; 4] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
];
const AZURE_SECRETS: [&str; 4] = [
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// A store, and where in it the circles are. Engines have credentials in them: it is not shown.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) root: Path,
    /// Whether folders have to be listed one by one. Some WebDAV servers answer a question about
    /// all that is below a folder as if it were about the folder alone, which would look as if the
    /// store had lost the rest.
    pub(crate) by_folder: bool,
    /// The variables that have the credentials.
    pub(crate) names: &'static str,
}

/// The variables of the environment, by their names.
struct Variables<'a>(&'a [(String, String)]);

impl Variables<'_> {
    fn get(&self, wanted: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| &**value)
    }

    fn have_one_of(&self, wanted: &[&str]) -> bool {
        wanted.iter().any(|name| self.get(name).is_some())
    }

    /// Those with this prefix which the builder of a store has a key for.
    fn keys<K: std::str::FromStr>(&self, prefix: &str) -> impl Iterator<Item = (K, &str)> {
        let named = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        named.filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, &**value)))
    }
}

impl Place {
    /// The store at an address, with the credentials that are among the variables.
    pub(crate) fn find(
        address: &str,
        variables: &[(String, String)],
        config: &RemoteConfig,
    ) -> Result<Self, RemoteError> {
        // What is before an `@` may be a password, and what is behind a `?` or `#` a token.
        // With an `@` behind those, nobody knows which is which.
        let mixed = address.rfind('@') > address.find(['?', '#']);
        let shown = address.rsplit('@').next().and_then(|rest| rest.split(['?', '#']).next());
        let shown = shown.filter(|_| !(mixed && address.contains(['?', '#']))).unwrap_or_default();
        let no_address = || RemoteError::Address(shown.chars().take(100).collect());
        let url = Url::parse(address).map_err(|_| no_address())?;
        let variables = Variables(variables);
        let (names, has_credentials) = match url.scheme() {
            "s3" => (AWS, variables.have_one_of(&AWS_SECRETS)),
            "gs" => (GOOGLE, variables.have_one_of(&GOOGLE_SECRETS)),
            "az" => (AZURE, variables.have_one_of(&AZURE_SECRETS)),
            // A folder may be open to all in a house.
            "https" | "http" => (DAV, true),
            _ => return Err(no_address()),
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(RemoteError::SecretInAddress { names });
        }
        if url.fragment().is_some() {
            return Err(RemoteError::Fragment);
        }
        let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or_else(no_address)?;
        let root = Path::from_url_path(url.path()).map_err(|_| no_address())?;
        if !has_credentials {
            return Err(RemoteError::NoCredentials { names });
        }
        let by_folder = names == DAV;
        let mut connector = Connector::new(config.patience)?;
        if by_folder {
            if url.scheme() == "http" && !is_this_machine(&url) {
                return Err(RemoteError::Plain);
            }
            let user = variables.get("TOWLINE_WEBDAV_USER");
            if let Some((user, password)) = user.zip(variables.get("TOWLINE_WEBDAV_PASSWORD")) {
                connector = connector.signed_in(user, password);
            }
        }
        let retry = retry(config);
        let store = match url.scheme() {
            "s3" => variables
                .keys("AWS_")
                .fold(AmazonS3Builder::new(), |it, (key, value)| it.with_config(key, value))
                .with_bucket_name(bucket)
                // One by one, which every server understands.
                .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(shared),
            "gs" => variables
                .keys("GOOGLE_")
                .fold(GoogleCloudStorageBuilder::new(), |it, (key, value)| {
                    it.with_config(key, value)
                })
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(shared),
            "az" => variables
                .keys("AZURE_")
                .fold(MicrosoftAzureBuilder::new(), |it, (key, value)| it.with_config(key, value))
                .with_container_name(bucket)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(shared),
            _ => HttpBuilder::new()
                .with_url(&url[..Position::BeforePath])
                .with_client_options(ClientOptions::new().with_allow_http(true))
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(shared),
        };
        let store = store.map_err(|source| RemoteError::Configuration { names, source })?;
        Ok(Self { store, root, by_folder, names })
    }
}

fn shared(store: impl ObjectStore) -> Arc<dyn ObjectStore> {
    Arc::new(store)
}

/// Without TLS, what is said stays on this machine.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

fn retry(config: &RemoteConfig) -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: config.repeats, retry_timeout: config.longest }
}
