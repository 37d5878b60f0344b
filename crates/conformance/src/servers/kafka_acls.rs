//! What users of a Kafka may do, told to it in its protocol: its own tool for it takes seconds.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// The version of the request, the first with patterns of names.
const CREATE_ACLS: (i16, i16) = (30, 1);

/// What an ACL is about, by its number in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclResource {
    /// All topics whose names begin so.
    TopicsOf = 2,
    /// The group of this name.
    Group = 3,
}

/// What an ACL allows, by its number in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AclOperation {
    Read = 3,
    Write = 4,
    Create = 5,
    Describe = 8,
}

/// Lets a user do this. The broker takes it from anybody at this port.
pub(super) fn allow(
    port: u16,
    user: &str,
    (resource, name): (AclResource, &str),
    operation: AclOperation,
) -> io::Result<()> {
    const LITERAL: u8 = 3;
    const PREFIXED: u8 = 4;
    const ALLOW: u8 = 3;
    let mut request = Vec::new();
    let text = |request: &mut Vec<u8>, text: &str| {
        let length = i16::try_from(text.len()).map_err(io::Error::other)?;
        request.extend(length.to_be_bytes());
        request.extend(text.as_bytes());
        io::Result::Ok(())
    };
    request.extend(CREATE_ACLS.0.to_be_bytes());
    request.extend(CREATE_ACLS.1.to_be_bytes());
    let correlation = 0_i32;
    request.extend(correlation.to_be_bytes());
    text(&mut request, "tests")?;
    let count = 1_i32;
    request.extend(count.to_be_bytes());
    request.push(resource as u8);
    text(&mut request, name)?;
    request.push(match resource {
        AclResource::TopicsOf => PREFIXED,
        AclResource::Group => LITERAL,
    });
    text(&mut request, &format!("User:{user}"))?;
    text(&mut request, "*")?;
    request.extend([operation as u8, ALLOW]);

    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let length = i32::try_from(request.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&request)?;
    // Length, correlation, throttle time, count of results, and the error of the only one.
    let mut answer = [0; 18];
    stream.read_exact(&mut answer)?;
    match answer[16..] {
        [0, 0] => Ok(()),
        ref code => Err(io::Error::other(format!("the ACL is refused: {code:?}"))),
    }
}
