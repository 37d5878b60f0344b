//! What may happen to a log, each as a small trait that a harness implements where it can.

use std::fmt;

use async_trait::async_trait;
use tidings_transport::{Body, Group, Topic};

/// What can be done to the log of a harness. `None`: this log cannot suffer it.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Faults<'a> {
    /// Its process dies and comes back with what it stored.
    pub crash: Option<&'a dyn Crash>,
    /// It comes back empty.
    pub wipe: Option<&'a dyn Wipe>,
    /// It stops answering for a while.
    pub freeze: Option<&'a dyn Freeze>,
    /// Connections to it break in the middle of a command.
    pub cut: Option<&'a dyn Cut>,
    /// Somebody else removes records.
    pub removal: Option<&'a dyn Removal>,
    /// Somebody else destroys a group.
    pub group_loss: Option<&'a dyn GroupLoss>,
    /// Somebody else writes what nobody can read.
    pub foreign: Option<&'a dyn Foreign>,
    /// Dead letters cannot be stored.
    pub dead_letter_refusal: Option<&'a dyn DeadLetterRefusal>,
    /// A topic takes no records.
    pub topic_refusal: Option<&'a dyn TopicRefusal>,
}

/// The log's process dies without warning.
#[async_trait]
pub trait Crash: Send + Sync {
    /// Kills it (SIGKILL) and returns when it is gone. Connections find nobody from now on.
    async fn kill(&self);

    /// Starts it again at the same address with what its storage kept, and waits until it
    /// answers.
    async fn restart(&self);
}

/// The log loses everything.
#[async_trait]
pub trait Wipe: Send + Sync {
    /// Kills it if it runs, throws its storage away, starts it at the same address and waits
    /// until it answers.
    async fn restart_empty(&self);
}

/// The log is alive and silent, as when its machine swaps.
#[async_trait]
pub trait Freeze: Send + Sync {
    /// Stops it (SIGSTOP).
    async fn freeze(&self);

    /// Lets it go on (SIGCONT).
    async fn thaw(&self);
}

/// Where in a command the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutAt {
    /// After a part of the request: the log cannot have executed it.
    Request,
    /// After the whole request, before a byte of the answer: the log has executed it.
    Answer,
}

/// Connections to the log break.
#[async_trait]
pub trait Cut: Send + Sync {
    /// Breaks, once, the connection on which the next request is sent by any handle that this
    /// harness opened, at this place. Other connections, and new ones, stay.
    async fn cut_next(&self, at: CutAt);
}

/// Another program removes records: an old producer that trims, eviction, a person.
#[async_trait]
pub trait Removal: Send + Sync {
    /// Removes the oldest records of the topic, so many, whoever still needs them, telling nobody.
    async fn remove_oldest(&self, topic: &Topic, count: u64);
}

/// Another program, or a failover, loses a group while the topic stays.
#[async_trait]
pub trait GroupLoss: Send + Sync {
    /// Destroys the group as another program would.
    async fn destroy_group(&self, topic: &Topic, group: &Group);
}

/// Another program writes to a topic what is not an event.
#[async_trait]
pub trait Foreign: Send + Sync {
    /// Writes such an entry and returns the body with which it must be delivered.
    async fn write(&self, topic: &Topic) -> Body;
}

/// The dead-letter log of a group takes no records.
#[async_trait]
pub trait DeadLetterRefusal: Send + Sync {
    /// From now on dead letters of this group cannot be stored.
    async fn refuse(&self, topic: &Topic, group: &Group);

    /// They can again.
    async fn allow(&self, topic: &Topic, group: &Group);
}

/// One topic takes no records while others do: a wrong type, a quota, a missing permission.
#[async_trait]
pub trait TopicRefusal: Send + Sync {
    /// From now on publishing to this topic, which does not exist yet, fails.
    async fn refuse(&self, topic: &Topic);
}

/// The name of a fault, as cases ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// [`Crash`]
    Crash,
    /// [`Wipe`]
    Wipe,
    /// [`Freeze`]
    Freeze,
    /// [`Cut`]
    Cut,
    /// [`Removal`]
    Removal,
    /// [`GroupLoss`]
    GroupLoss,
    /// [`Foreign`]
    Foreign,
    /// [`DeadLetterRefusal`]
    DeadLetterRefusal,
    /// [`TopicRefusal`]
    TopicRefusal,
}

impl Faults<'_> {
    /// Whether it can be inflicted.
    pub fn offers(&self, fault: Fault) -> bool {
        match fault {
            Fault::Crash => self.crash.is_some(),
            Fault::Wipe => self.wipe.is_some(),
            Fault::Freeze => self.freeze.is_some(),
            Fault::Cut => self.cut.is_some(),
            Fault::Removal => self.removal.is_some(),
            Fault::GroupLoss => self.group_loss.is_some(),
            Fault::Foreign => self.foreign.is_some(),
            Fault::DeadLetterRefusal => self.dead_letter_refusal.is_some(),
            Fault::TopicRefusal => self.topic_refusal.is_some(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "crash (its process killed and restarted)",
            Self::Wipe => "wipe (restarted empty)",
            Self::Freeze => "freeze (alive and silent)",
            Self::Cut => "cut (a connection broken in the middle of a command)",
            Self::Removal => "removal (records removed by another program)",
            Self::GroupLoss => "group loss (a group destroyed by another program)",
            Self::Foreign => "foreign (an entry of another program)",
            Self::DeadLetterRefusal => "dead-letter refusal (dead letters cannot be stored)",
            Self::TopicRefusal => "topic refusal (one topic takes no records)",
        })
    }
}
