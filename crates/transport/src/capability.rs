//! What differs between logs.

use std::fmt;

use crate::{Error, ErrorKind};

/// An ability that not every log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum Capability {
    /// Records stay after they are settled: `read`, `seek` backwards, `Start::Earliest`.
    Replay = 1,
    /// The log keeps only the newest record of a key, if asked.
    Compaction = 1 << 1,
    /// Events of one key stay in order, one at a time, among competing consumers. Without it
    /// one consumer of a group is active per topic, or per part of it that has all events of its
    /// keys (a partition on Kafka); the others stand by.
    KeyedOrder = 1 << 2,
    /// `Retry` may name a time.
    Delay = 1 << 3,
    /// `Body::Fields` can be published and comes back field for field.
    Fields = 1 << 4,
    /// Records outlive this process.
    Durable = 1 << 5,
    /// A record is a message with headers, a value and a key of bytes: `Body::Fields` are its
    /// headers, and its value and its key stand among them as [`Field::VALUE`](crate::Field::VALUE)
    /// and [`Field::KEY`](crate::Field::KEY).
    Headers = 1 << 6,
    /// With [`Ordering::None`](crate::Ordering::None) the consumers of a group share a topic record
    /// by record. Without it they share it by parts at most, of which each has one active
    /// consumer: partitions on Kafka.
    Competing = 1 << 7,
    /// A group can be removed; what it lost shows also before its consumer is told, and can be
    /// acknowledged.
    GroupUpkeep = 1 << 8,
    /// [`settle_and_start`](crate::Subscriber::settle_and_start) takes no longer than `settle`.
    SettleAndStart = 1 << 9,
}

/// The set of abilities of a transport.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u16);

impl Capabilities {
    const ALL: [Capability; 10] = [
        Capability::Replay,
        Capability::Compaction,
        Capability::KeyedOrder,
        Capability::Delay,
        Capability::Fields,
        Capability::Durable,
        Capability::Headers,
        Capability::Competing,
        Capability::GroupUpkeep,
        Capability::SettleAndStart,
    ];

    /// The set of these.
    pub const fn of(list: &[Capability]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < list.len() {
            bits |= list[i] as u16;
            i += 1;
        }
        Self(bits)
    }

    /// Whether it is in the set.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability as u16 != 0
    }

    /// Refuses, before any I/O, what is not in the set.
    ///
    /// # Errors
    /// `Unsupported`, naming the ability.
    pub fn require(self, capability: Capability, operation: &'static str) -> Result<(), Error> {
        if self.has(capability) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            operation,
            format!("this log does not have the capability {capability:?}"),
        ))
    }

    /// The abilities in the set.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Self::ALL.into_iter().filter(move |c| self.has(*c))
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
