//! The administrator's connection: one command at a time over the Unix socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The administrator, whom tests of passwords and rights leave alone.
pub(super) const USER: &str = "tidings-control";
pub(super) const PASSWORD: &str = "control";

/// Sends one command as the administrator, and returns the reply as text.
pub(super) fn command(socket: &Path, patience: Duration, command: &[&str]) -> io::Result<String> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    let mut reader = BufReader::new(stream);
    request(&mut reader, &["AUTH", USER, PASSWORD])?;
    request(&mut reader, command)
}

/// Sends one command, and returns the reply: elements of arrays one a line, nil as `(nil)`.
pub(super) fn request(reader: &mut BufReader<UnixStream>, command: &[&str]) -> io::Result<String> {
    let mut text = format!("*{}\r\n", command.len());
    for argument in command {
        text.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
    }
    reader.get_mut().write_all(text.as_bytes())?;
    let mut reply = String::new();
    read_reply(reader, &mut reply)?;
    reply.truncate(reply.trim_end_matches('\n').len());
    Ok(reply)
}

/// Reads one RESP2 reply and appends it as lines of text.
fn read_reply(reader: &mut BufReader<UnixStream>, out: &mut String) -> io::Result<()> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let length = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "+" | ":" => {
            out.push_str(rest);
            out.push('\n');
        }
        "-" => return Err(io::Error::other(rest.to_owned())),
        "$" => match usize::try_from(length()?) {
            Err(_) => out.push_str("(nil)\n"),
            Ok(n) => {
                let mut bytes = vec![0; n + 2];
                reader.read_exact(&mut bytes)?;
                out.push_str(&String::from_utf8_lossy(&bytes[..n]));
                out.push('\n');
            }
        },
        "*" => match length()? {
            -1 => out.push_str("(nil)\n"),
            n => {
                for _ in 0..n {
                    read_reply(reader, out)?;
                }
            }
        },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }
    Ok(())
}
