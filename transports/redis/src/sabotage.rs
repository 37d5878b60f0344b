//! A planted bug, so that a harness can prove that it would find it. Nothing of this is compiled
//! without the test-only feature `sabotage`.

use std::sync::atomic::{AtomicBool, Ordering};

use redis::cmd;
use tidings_transport::{Outcome, Settlement};

use crate::member::Member;

static ACK_WITHOUT_OWNER_CHECK: AtomicBool = AtomicBool::new(false);

/// From now on this process acknowledges entries without asking whose they are, which loses events.
/// For tests of test harnesses only.
pub fn ack_without_owner_check() {
    ACK_WITHOUT_OWNER_CHECK.store(true, Ordering::SeqCst);
}

impl Member {
    /// Acknowledges what is to be acknowledged, whoever has it in hand.
    pub(crate) async fn ack_blindly(&self, settlements: &[Settlement]) {
        if !ACK_WITHOUT_OWNER_CHECK.load(Ordering::SeqCst) {
            return;
        }
        for Settlement { delivery, outcome } in settlements {
            if matches!(outcome, Outcome::Ack) && !delivery.released {
                let mut ack = cmd("XACK");
                ack.arg(delivery.topic.as_str()).arg(self.group.as_str());
                ack.arg(delivery.position.as_str());
                // Its failure shows in the settlement itself.
                let _ = self.link.command(&ack).await;
            }
        }
    }
}
