//! What goes wrong with Kafka, and what it is in the terms of the contract.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tidings_transport::{Error, ErrorKind};

/// The error of an operation that only read, or can be repeated as it is.
pub(crate) fn reading(operation: &'static str, error: KafkaError) -> Error {
    into_error(operation, error, false)
}

/// The error of an operation that may have written.
pub(crate) fn writing(operation: &'static str, error: KafkaError) -> Error {
    into_error(operation, error, true)
}

/// The error of a call that got no answer in time.
pub(crate) fn no_answer(operation: &'static str, kind: ErrorKind) -> Error {
    Error::new(kind, operation, "Kafka did not answer in time")
}

/// The same error for another record or delivery.
pub(crate) fn again(error: &Error) -> Error {
    told_to(error.operation(), error)
}

/// The same error for another call.
pub(crate) fn told_to(operation: &'static str, error: &Error) -> Error {
    let text = error.to_string();
    let message = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, message)| message);
    Error::new(error.kind(), operation, message)
}

fn into_error(operation: &'static str, error: KafkaError, wrote: bool) -> Error {
    let kind = kind(&error, wrote);
    let more = match error.rdkafka_error_code() {
        Some(Code::InconsistentGroupProtocol) => {
            "; the group has consumers of another kind, which share partitions in another way: \
             this one joins when they have been stopped"
        }
        _ => "",
    };
    Error::new(kind, operation, format!("Kafka: {error}{more}")).with_source(error)
}

/// What an error is. `wrote`: something may have been stored if nobody knows better.
pub(crate) fn kind(error: &KafkaError, wrote: bool) -> ErrorKind {
    match error {
        KafkaError::ClientConfig(..) => return ErrorKind::Invalid,
        // Later than at the start there is no thread or file left for it.
        KafkaError::ClientCreation(_) => return ErrorKind::Unavailable,
        _ => {}
    }
    // The library does not tell the code of a request to administer.
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    };
    let Some(code) = code else {
        return ErrorKind::Failed;
    };
    let uncertain = match wrote {
        true => ErrorKind::UnknownOutcome,
        false => ErrorKind::Unavailable,
    };
    match code {
        Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::NotEnoughReplicasAfterAppend
        | Code::BrokerTransportFailure
        | Code::OperationTimedOut
        | Code::BrokerDestroy
        | Code::DestroyBroker
        | Code::OutOfOrderSequenceNumber
        | Code::InvalidProducerEpoch
        | Code::UnknownProducerId
        | Code::PurgeInflight
        // Another producer takes the place of one that is beyond help; what that had sent may be stored.
        | Code::Fatal => uncertain,
        Code::AllBrokersDown
        | Code::UnknownBroker
        | Code::ISRInsufficient
        | Code::Resolve
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::NotEnoughReplicas
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::KafkaStorageError
        | Code::RebalanceInProgress
        | Code::QueueFull
        | Code::PurgeQueue
        | Code::TimedOutQueue
        | Code::NotController
        | Code::ThrottlingQuotaExceeded
        | Code::UnstableOffsetCommit
        | Code::Retry
        | Code::OffsetNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::InconsistentGroupProtocol
        | Code::InvalidReplicationFactor
        | Code::State => ErrorKind::Unavailable,
        Code::UnknownMemberId
        | Code::IllegalGeneration
        | Code::FencedInstanceId
        | Code::AssignmentLost
        | Code::NoOffset => ErrorKind::Stale,
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownGroup
        | Code::GroupIdNotFound => ErrorKind::NotFound,
        Code::MessageSizeTooLarge
        | Code::InvalidTopic
        | Code::InvalidConfig
        | Code::InvalidArgument
        | Code::InvalidPartitions
        | Code::InvalidReplicaAssignment
        | Code::PolicyViolation
        | Code::InvalidSessionTimeout
        | Code::OffsetMetadataTooLarge => ErrorKind::Invalid,
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SSL
        | Code::SecurityDisabled => ErrorKind::Denied,
        _ => ErrorKind::Failed,
    }
}
