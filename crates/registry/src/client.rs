//! Questions over HTTP.

use std::fs;
use std::path::Path;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Client as Http, Identity, Method, Response, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tidings_transport::{Error, Result};
use tracing::debug;

use crate::RegistryConfig;
use crate::config::invalid;
use crate::error::{Refusal, judge, silent, strange};

/// The longest answer that is read, in bytes: above any schema.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A connection to a registry, at any of its addresses.
pub(crate) struct Client {
    http: Http,
    addresses: Vec<Url>,
    user: Option<(String, String)>,
    token: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

#[derive(Deserialize)]
struct Schema {
    schema: String,
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<serde_json::Value>,
}

impl Client {
    pub(crate) fn new(config: &RegistryConfig) -> Result<Self> {
        config.check()?;
        let addresses = config.addresses()?;
        // rustls panics at its first use when nobody has chosen a provider. An embedding program
        // may have chosen one before; then that one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = Http::builder()
            .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .redirect(redirect::Policy::none());
        if addresses.iter().all(|address| address.scheme() == "http") {
            // A machine without certificates of its own has no need of any then.
            http = http.tls_certs_only([]);
        } else if let Some(file) = &config.ca_file {
            let authorities = Certificate::from_pem_bundle(&read("registry_ca_file", file)?);
            let authorities = authorities.map_err(|_| not_pem("registry_ca_file"))?;
            http = http.tls_certs_only(authorities);
        }
        if let (Some(cert), Some(key)) = (&config.cert_file, &config.key_file) {
            let mut pem = read("registry_cert_file", cert)?;
            pem.push(b'\n');
            pem.extend(read("registry_key_file", key)?);
            let identity = Identity::from_pem(&pem);
            http = http.identity(identity.map_err(|_| not_pem("registry_cert_file"))?);
        }
        let http = http
            .build()
            .map_err(|e| invalid("registry: its client cannot be set up").with_source(e))?;
        let password = config.password.clone().unwrap_or_default();
        Ok(Self {
            http,
            addresses,
            user: config.user.clone().map(|user| (user, password)),
            token: config.token.clone(),
        })
    }

    /// The id of a schema under a subject, which is made if it is not there.
    pub(crate) async fn register(&self, subject: &str, schema: &str) -> Result<Option<u32>> {
        let path = ["subjects", subject, "versions"];
        let found: Option<Id> = self
            .ask("put_schema", Method::POST, &path, Some(schema))
            .await?;
        Ok(found.map(|found| found.id))
    }

    /// The id of a schema under a subject, if it is there.
    pub(crate) async fn look_up(&self, subject: &str, schema: &str) -> Result<Option<u32>> {
        let path = ["subjects", subject];
        let found: Option<Id> = self
            .ask("put_schema", Method::POST, &path, Some(schema))
            .await?;
        Ok(found.map(|found| found.id))
    }

    /// The Avro schema with an id.
    pub(crate) async fn schema(&self, id: u32) -> Result<Option<String>> {
        const OPERATION: &str = "get_schema";
        let id = id.to_string();
        let path = ["schemas", "ids", &id];
        let found: Option<Schema> = self.ask(OPERATION, Method::GET, &path, None).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let avro = found
            .schema_type
            .is_none_or(|t| t.eq_ignore_ascii_case("AVRO"));
        match avro && found.references.is_empty() {
            true => Ok(Some(found.schema)),
            false => {
                debug!(id, "a schema that is not of Avro, or refers to others");
                Ok(None)
            }
        }
    }

    /// Asks the addresses in their order, until one answers.
    async fn ask<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        schema: Option<&str>,
    ) -> Result<Option<T>> {
        let mut failure = None;
        for address in &self.addresses {
            match self
                .ask_one(operation, &method, address, path, schema)
                .await
            {
                Err(error) if error.is_temporary() => {
                    debug!(%error, "asking the next address of the registry");
                    failure = Some(error);
                }
                answer => return answer,
            }
        }
        Err(failure.unwrap_or_else(|| invalid("registry: has no address")))
    }

    async fn ask_one<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        method: &Method,
        address: &Url,
        path: &[&str],
        schema: Option<&str>,
    ) -> Result<Option<T>> {
        let shown = address.as_str().trim_end_matches('/');
        let mut url = address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self
            .http
            .request(method.clone(), url)
            .header(ACCEPT, MEDIA_TYPE);
        if let Some((user, password)) = &self.user {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(schema) = schema {
            let body = json!({ "schema": schema, "schemaType": "AVRO" });
            request = request
                .header(CONTENT_TYPE, MEDIA_TYPE)
                .body(body.to_string());
        }
        let sent = request.send().await;
        let mut response = sent.map_err(|e| silent(operation, shown, e))?;
        let status = response.status();
        let body = body(operation, shown, &mut response).await?;
        if !status.is_success() {
            return match judge(operation, shown, status, &body) {
                Refusal::Unknown => Ok(None),
                Refusal::Error(error) => Err(error),
            };
        }
        match serde_json::from_slice(&body) {
            Ok(answer) => Ok(Some(answer)),
            Err(_) => Err(strange(
                operation,
                shown,
                "the body is not what was asked for",
            )),
        }
    }
}

async fn body(operation: &'static str, shown: &str, response: &mut Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|e| silent(operation, shown, e))? {
            None => return Ok(body),
            Some(chunk) if body.len() + chunk.len() > MAX_ANSWER => {
                return Err(strange(operation, shown, "it is too long"));
            }
            Some(chunk) => body.extend_from_slice(&chunk),
        }
    }
}

fn read(setting: &str, file: &Path) -> Result<Vec<u8>> {
    fs::read(file)
        .map_err(|e| invalid(format!("{setting}: {} cannot be read: {e}", file.display())))
}

fn not_pem(setting: &str) -> Error {
    invalid(format!("{setting}: must be PEM"))
}
