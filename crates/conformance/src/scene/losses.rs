//! What a group is told that it lost.

use tidings_transport::{Count, Gap, Group, Subscriber, Topic};

use super::{ack, next, texts};

/// The next `count` deliveries, acked, as text, with the gaps that came before or among them.
/// If none did, waits for the first one.
pub(crate) async fn hear_and_lose(
    consumer: &dyn Subscriber,
    count: usize,
) -> (Vec<String>, Losses) {
    let mut heard = Vec::new();
    let mut losses = Losses::default();
    while heard.len() < count || losses.gaps.is_empty() {
        let batch = next(consumer, (count - heard.len()).max(1)).await;
        ack(consumer, &batch.deliveries).await;
        heard.extend(texts(&batch.deliveries));
        losses.add(batch.gaps);
        assert!(heard.len() <= count, "too much came: {heard:?}");
    }
    (heard, losses)
}

/// Gaps that a group was told of.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    gaps: Vec<Gap>,
}

impl Losses {
    pub(crate) fn add(&mut self, gaps: Vec<Gap>) {
        self.gaps.extend(gaps);
    }

    /// Whether anything was lost.
    pub(crate) fn any(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Whether it can be that so many were lost: exact counts and lower bounds allow for it.
    pub(crate) fn may_be(&self, lost: u64) -> bool {
        let (mut least, mut exact) = (0, true);
        for gap in &self.gaps {
            match gap.lost {
                Count::Exactly(n) => least += n,
                Count::AtLeast(n) => (least, exact) = (least + n, false),
                Count::Unknown => exact = false,
            }
        }
        least == lost || (least < lost && !exact)
    }

    /// Expects gaps that allow for so many.
    pub(crate) fn must_hold(&self, topic: &Topic, group: &Group, lost: u64) {
        assert!(self.may_be(lost), "{lost} were lost, not {:?}", self.gaps);
        for gap in &self.gaps {
            assert_eq!((&gap.topic, &gap.group), (topic, group));
            assert!(!gap.cause.is_empty(), "people want to know why");
        }
    }

    /// Expects one gap that says so many, exactly.
    pub(crate) fn must_be_exactly(&self, topic: &Topic, group: &Group, lost: u64) {
        self.must_hold(topic, group, lost);
        let counts: Vec<_> = self.gaps.iter().map(|gap| gap.lost).collect();
        assert_eq!(counts, [Count::Exactly(lost)]);
    }

    /// Expects one gap, of a size that nobody can know.
    pub(crate) fn must_be_unknown(&self, topic: &Topic, group: &Group) {
        let counts: Vec<_> = self.gaps.iter().map(|gap| gap.lost).collect();
        assert_eq!(counts, [Count::Unknown]);
        self.must_hold(topic, group, 0);
    }
}
