//! Reads sources in a thread of their own, so that a slow pipe blocks nothing else.

use std::io::Read;
use std::thread;

use tokio::sync::mpsc;

use super::splitter::Splitter;
use super::{Item, Source};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

const CHUNK: usize = 64 * 1024;
/// Chunks that may wait: what is read ahead is bounded.
const AHEAD: usize = 4;

/// What the reading thread hands over.
#[derive(Debug)]
pub enum Feed {
    /// What one chunk held, and how many bytes that chunk had.
    Items(Vec<Item>, u64),
    /// A source that could not be opened, or not to its end; the next one follows.
    Failed(Failure),
}

/// Reads the sources one after another.
pub fn feed(sources: Vec<Source>) -> Result<mpsc::Receiver<Feed>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let read_all = move || {
        for source in sources {
            if read(&source, &sender).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(read_all)
        .map_err(|e| Failure::new(Exit::Failed, "cannot start a thread").source(e))?;
    Ok(receiver)
}

/// Nobody listens any more.
struct Gone;

fn read(source: &Source, sender: &mpsc::Sender<Feed>) -> Result<(), Gone> {
    let send = |feed| sender.blocking_send(feed).map_err(|_| Gone);
    let mut input = match source.open() {
        Ok(input) => input,
        Err(failure) => return send(Feed::Failed(failure)),
    };
    let mut splitter = Splitter::new(source.name());
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => {
                let mut items = Vec::new();
                splitter.finish(&mut items);
                return send(Feed::Items(items, 0));
            }
            Ok(length) => {
                let mut items = Vec::new();
                splitter.push(&chunk[..length], &mut items);
                send(Feed::Items(items, length as u64))?;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                let failure =
                    Failure::new(Exit::Io, format!("{} cannot be read", source.name())).source(e);
                return send(Feed::Failed(failure));
            }
        }
    }
}
