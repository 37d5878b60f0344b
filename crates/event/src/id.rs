//! Ids that stay unique across threads and forked processes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// A new UUID of version 1, lower case and dashed, as OEP-41 asks for.
///
/// Unique among threads by a clock that never repeats a tick, among processes by a random node
/// (with the multicast bit set, so it is no network card's) and a random clock sequence. A
/// forked child draws its own before its first id. Nothing here locks, so a fork while another
/// thread makes ids leaves the child no lock that nobody holds.
///
/// # Example
/// ```
/// let id = tidings_event::new_id();
/// assert_eq!(id.len(), 36);
/// assert_eq!(&id[14..15], "1");
/// ```
pub fn new_id() -> String {
    from_parts(next_tick(), identity()).to_string()
}

/// The last tick given out, in 100 ns since 1582-10-15.
static LAST_TICK: AtomicU64 = AtomicU64::new(0);

/// Node (48 bits) and clock sequence (14 bits) of this process.
static IDENTITY: AtomicU64 = AtomicU64::new(0);

/// The process that drew the identity; 0 is nobody.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// From 1582-10-15 to 1970-01-01, in 100 ns (RFC 9562, section 5.1).
const GREGORIAN_OFFSET: u64 = 0x01b2_1dd2_1381_4000;

fn next_tick() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let ticks = u64::try_from(since_epoch.as_nanos() / 100).unwrap_or(u64::MAX >> 8);
    let now = GREGORIAN_OFFSET + ticks;
    // A clock that stands still or goes back must not repeat a tick, so ticks only ever grow.
    let after = |last: u64| Some(now.max(last + 1));
    match LAST_TICK.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after) {
        Ok(last) | Err(last) => now.max(last + 1),
    }
}

fn identity() -> u64 {
    let process = std::process::id();
    // Two threads may both find a stranger's identity and both draw. That is harmless: ticks
    // are unique within the process whichever identity they go with. The order matters: whoever
    // sees the owner sees the identity that was stored before it.
    if OWNER.load(Ordering::Acquire) != process {
        IDENTITY.store(draw(process), Ordering::Release);
        OWNER.store(process, Ordering::Release);
    }
    IDENTITY.load(Ordering::Acquire)
}

fn draw(process: u32) -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        // Without a source of randomness the process id and the clock are what tells us apart.
        Err(_) => (u64::from(process) << 32) ^ next_tick().rotate_left(8),
    }
}

fn from_parts(tick: u64, identity: u64) -> Uuid {
    const MULTICAST: u8 = 0x01;
    let [c0, c1, mut node @ ..] = identity.to_be_bytes();
    node[0] |= MULTICAST;
    let counter = u16::from_be_bytes([c0, c1]) & 0x3fff;
    Uuid::new_v1(uuid::Timestamp::from_gregorian_time(tick, counter), &node)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::{Uuid, Variant};

    use super::{from_parts, new_id};

    #[test]
    fn ids_are_version_1_with_a_node_that_is_no_network_card() {
        let id = new_id();
        let uuid = Uuid::parse_str(&id).unwrap();
        assert_eq!(
            (uuid.get_version_num(), uuid.get_variant()),
            (1, Variant::RFC4122)
        );
        assert_eq!(uuid.hyphenated().to_string(), id);
        assert_eq!(uuid.get_node_id().unwrap()[0] & 1, 1);
        let (seconds, _) = uuid.get_timestamp().unwrap().to_unix();
        let age = jiff::Timestamp::now().as_second() - i64::try_from(seconds).unwrap();
        assert!(age.abs() < 60, "{age}");
    }

    #[test]
    fn threads_share_no_id() {
        const EACH: usize = 20_000;
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(|| (0..EACH).map(|_| new_id()).collect::<Vec<_>>()))
            .collect();
        let ids: HashSet<String> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(ids.len(), 8 * EACH);
    }

    #[test]
    fn all_bits_stand_where_rfc_9562_puts_them() {
        // Its example in appendix A.1: tick, clock sequence 0x33c8, node 9f6bdeced846.
        let uuid = from_parts(0x1ec_9414_c232_ab00, 0x33c8_9f6b_dece_d846);
        assert_eq!(uuid.to_string(), "c232ab00-9414-11ec-b3c8-9f6bdeced846");
    }
}
