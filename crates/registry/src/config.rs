//! Which registry, and how to talk to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use tidings_transport::{Error, ErrorKind, Result};

use crate::SubjectNames;

/// Settings of a [`Registry`](crate::Registry). `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryConfig {
    /// Addresses of one registry, tried in this order: `https://host:8081`, with a path where the
    /// registry has one.
    pub urls: Vec<String>,
    /// The user of HTTP's basic authentication; Confluent calls it the API key.
    pub user: Option<String>,
    /// The password of that user; Confluent calls it the API secret.
    pub password: Option<String>,
    /// A bearer token, for registries that ask for one instead of a user.
    pub token: Option<String>,
    /// Certificates of authorities, PEM, to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate and the chain above it, PEM.
    pub cert_file: Option<PathBuf>,
    /// The client's private key, PEM.
    pub key_file: Option<PathBuf>,
    /// How subjects are named.
    pub subjects: SubjectNames,
    /// Registers schemas that the registry does not have. Default: yes; without, a person
    /// registers them, and publishing an event whose schema is missing fails.
    pub register: bool,
    /// How long an answer may take, connecting included. Default: 5 s.
    pub timeout: Duration,
}

impl RegistryConfig {
    /// The defaults, for the addresses of one registry.
    pub fn new<S: Into<String>>(urls: impl IntoIterator<Item = S>) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            user: None,
            password: None,
            token: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            subjects: SubjectNames::default(),
            register: true,
            timeout: Duration::from_secs(5),
        }
    }

    /// Checks all settings without I/O.
    ///
    /// # Errors
    /// `Invalid`, naming the setting.
    pub fn check(&self) -> Result<()> {
        self.addresses()?;
        if self.password.is_some() && self.user.is_none() {
            return Err(invalid("registry_user: is missing beside the password"));
        }
        if self.token.is_some() && self.user.is_some() {
            return Err(invalid(
                "registry_token and registry_user: give one of them",
            ));
        }
        if self.cert_file.is_some() != self.key_file.is_some() {
            return Err(invalid(
                "registry_cert_file and registry_key_file: give both or none",
            ));
        }
        Ok(())
    }

    pub(crate) fn addresses(&self) -> Result<Vec<Url>> {
        let rule = "registry: must be http://host:port or https://host:port, without user, \
                    password, ? or #; name the user as registry_user";
        let address = |text: &String| {
            let url = Url::parse(text).map_err(|_| invalid(rule))?;
            let plain = url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            match matches!(url.scheme(), "http" | "https") && plain && url.has_host() {
                true => Ok(url),
                false => Err(invalid(rule)),
            }
        };
        if self.urls.is_empty() {
            return Err(invalid(rule));
        }
        self.urls.iter().map(address).collect()
    }
}

pub(crate) fn invalid(rule: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "connect", rule)
}

impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart so that a new field cannot be forgotten.
        let Self {
            urls,
            user,
            password,
            token,
            ca_file,
            cert_file,
            key_file,
            subjects,
            register,
            timeout,
        } = self;
        // An address with a password in it is refused, and must not be shown before.
        f.debug_struct("RegistryConfig")
            .field("urls", &urls.len())
            .field("user", &user.is_some())
            .field("password", &password.is_some())
            .field("token", &token.is_some())
            .field("ca_file", ca_file)
            .field("cert_file", cert_file)
            .field("key_file", key_file)
            .field("subjects", subjects)
            .field("register", register)
            .field("timeout", timeout)
            .finish()
    }
}
