//! The CloudEvents envelope, the OEP-41 profile and the wire formats of Tidings.

pub mod avro;
