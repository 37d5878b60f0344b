//! What a Kafka URL says of its schema registry.

use std::path::PathBuf;

use tidings_registry::{RegistryConfig, SubjectNames};

use crate::OpenError;
use crate::address::Address;

/// Parameters of a registry.
pub(super) const PARAMETERS: [&str; 10] = [
    "registry",
    "registry_user",
    "registry_password",
    "registry_token",
    "registry_ca_file",
    "registry_cert_file",
    "registry_key_file",
    "registry_subjects",
    "registry_register",
    "registry_timeout",
];

/// Reads `registry=URL[,URL…]` and what begins with `registry_`; `None` without the first.
pub(super) fn config(address: &Address) -> Result<Option<RegistryConfig>, OpenError> {
    let Some(urls) = address.text("registry") else {
        let more = PARAMETERS
            .into_iter()
            .find(|name| address.text(name).is_some());
        return match more {
            None => Ok(None),
            Some(name) => Err(OpenError::invalid(name, "needs registry=URL beside it")),
        };
    };
    let mut config = RegistryConfig::new(urls.split(','));
    config.user = address.text("registry_user").map(str::to_owned);
    config.password = address.text("registry_password").map(str::to_owned);
    config.token = address.text("registry_token").map(str::to_owned);
    config.ca_file = address.text("registry_ca_file").map(PathBuf::from);
    config.cert_file = address.text("registry_cert_file").map(PathBuf::from);
    config.key_file = address.text("registry_key_file").map(PathBuf::from);
    let rule = "must be topic-record or topic";
    if let Some(subjects) = address.parsed::<SubjectNames>("registry_subjects", rule)? {
        config.subjects = subjects;
    }
    let rule = "must be true, or false where people register schemas";
    if let Some(register) = address.parsed("registry_register", rule)? {
        config.register = register;
    }
    if let Some(timeout) = address.duration("registry_timeout")? {
        config.timeout = timeout;
    }
    config.check().map_err(|source| OpenError::Transport {
        address: "the schema registry".into(),
        source,
    })?;
    Ok(Some(config))
}

#[cfg(test)]
mod tests {
    use super::config;
    use crate::OpenError;
    use crate::address::Address;
    use tidings_registry::{RegistryConfig, SubjectNames};

    fn read(parameters: &str) -> Result<Option<RegistryConfig>, OpenError> {
        config(&Address::parse(
            &format!("kafka://b1?{parameters}"),
            &["kafka"],
        )?)
    }

    #[test]
    fn every_parameter_is_read() {
        let config = read(
            "registry=https://r1:8081,https://r2/apis/ccompat/v7&registry_user=k%40&registry_password=s\
             &registry_ca_file=/ca&registry_cert_file=/c&registry_key_file=/k&registry_subjects=topic\
             &registry_register=false&registry_timeout=2s",
        );
        let config = config.expect("it is valid").expect("there is one");
        assert_eq!(
            config.urls,
            ["https://r1:8081", "https://r2/apis/ccompat/v7"]
        );
        assert_eq!(config.user.as_deref(), Some("k@"));
        assert_eq!(config.password.as_deref(), Some("s"));
        assert_eq!(config.subjects, SubjectNames::Topic);
        assert!(!config.register);
        assert_eq!(config.timeout.as_secs(), 2);
        let config = read("registry=https://r1&registry_token=t%3D");
        let config = config.expect("it is valid").expect("there is one");
        assert_eq!(config.token.as_deref(), Some("t="));
        assert!(read("prefix=a").expect("it is valid").is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_remedy() {
        for (parameters, says) in [
            ("registry_user=u", "needs registry=URL"),
            ("registry=r1:8081", "must be http://host:port"),
            (
                "registry=http://u:secret@r1",
                "name the user as registry_user",
            ),
            (
                "registry=http://r1&registry_password=secret",
                "registry_user",
            ),
            (
                "registry=http://r1&registry_subjects=record",
                "topic-record or topic",
            ),
            ("registry=http://r1&registry_register=no", "true, or false"),
            ("registry=http://r1&registry_cert_file=/c", "both or none"),
        ] {
            let error = read(parameters).expect_err(parameters).to_string();
            assert!(error.contains(says), "{parameters}: {error}");
            assert!(!error.contains("secret"), "{parameters}: {error}");
        }
    }
}
