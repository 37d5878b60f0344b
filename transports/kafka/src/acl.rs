//! What brokers do not let this user do.

use std::error::Error as _;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tidings_transport::{Error, ErrorKind};

/// What a request needs to be let do, in the words of Kafka's ACLs.
#[derive(Debug, Clone)]
pub(crate) struct Acl<'a> {
    operation: &'a str,
    /// What brokers will ask for next on the same topic, one after the other.
    next: &'a [&'a str],
    topics: Vec<&'a str>,
    group: &'a str,
}

impl<'a> Acl<'a> {
    /// This operation.
    pub(crate) fn to(operation: &'a str) -> Self {
        Self {
            operation,
            next: &[],
            topics: Vec::new(),
            group: "",
        }
    }

    /// On this topic as well.
    pub(crate) fn topic(mut self, topic: &'a str) -> Self {
        self.topics.push(topic);
        self
    }

    /// What a request of the contract takes besides on the same topic: who adds an ACL should not have to come
    /// back for the next one.
    pub(crate) fn for_request(self, request: &str) -> Self {
        let next: &[&str] = match (request, self.operation) {
            ("publish", "Describe") => &["Create", "Write"],
            ("publish", "Create") => &["Write"],
            _ => &[],
        };
        Self { next, ..self }
    }

    /// On this group.
    pub(crate) fn group(self, group: &'a str) -> Self {
        Self { group, ..self }
    }

    /// The same error; one that says that an ACL is missing names it, and how it is added.
    pub(crate) fn of(&self, error: Error) -> Error {
        let code = error.source().and_then(|source| {
            let source = source.downcast_ref::<KafkaError>()?;
            refusal(source)
        });
        let (what, names) = match code {
            Some(Code::GroupAuthorizationFailed) if !self.group.is_empty() => {
                ("group", std::slice::from_ref(&self.group))
            }
            // Without any topic to write to, a producer is refused by the cluster.
            Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed)
                if !self.topics.is_empty() =>
            {
                ("topic", &self.topics[..])
            }
            _ => return error,
        };
        let (operation, on) = (self.operation, names.join(", "));
        let operations = std::iter::once(&self.operation).chain(self.next);
        let operations: Vec<String> = operations.map(|o| format!("--operation {o}")).collect();
        let operations = operations.join(" ");
        let next = match self.next {
            [] => String::new(),
            ["Create", rest @ ..] => {
                format!(
                    " and, unless it is there already, Create, and {}",
                    rest.join(", ")
                )
            }
            next => format!(" and {}", next.join(", ")),
        };
        let options: Vec<String> = names.iter().map(|n| format!("--{what} {n}")).collect();
        let options = options.join(" ");
        let text = error.to_string();
        let text = text.strip_prefix(error.operation()).unwrap_or(&text);
        let text = format!(
            "{}: this user needs the ACL {operation} on the {what} {on}{next} (kafka-acls.sh --add \
             --allow-principal User:NAME {operations} {options}; the guide On Kafka lists all that it \
             needs)",
            text.trim_start_matches(": ")
        );
        Error::new(ErrorKind::Denied, error.operation(), text).with_source(error)
    }
}

/// The code of a refusal for want of an ACL. Whoever called is told of it.
pub(crate) fn refusal(error: &KafkaError) -> Option<Code> {
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    };
    code.filter(|code| {
        matches!(
            code,
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
        )
    })
}

/// Whether brokers do not let this user use the group of a consumer. One that only reads has a group
/// because the library insists, and needs it for nothing.
pub(crate) fn is_of_the_group(error: &KafkaError) -> bool {
    refusal(error) == Some(Code::GroupAuthorizationFailed)
}
