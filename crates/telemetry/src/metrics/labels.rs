//! The labels of series. All are names of things that a site configures, so there are few:
//! never an id, a key or a position.

use std::fmt::Debug;
use std::hash::Hash;

use prometheus_client::encoding::EncodeLabelSet;

/// Labels whose names are known.
pub(super) trait LabelSet:
    EncodeLabelSet + Clone + Eq + Hash + Debug + Send + Sync + 'static
{
    /// Their names.
    const NAMES: &'static [&'static str];
}

macro_rules! label_set {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $label:literal),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(super) struct $name { $(pub(super) $field: String),+ }

        impl LabelSet for $name {
            const NAMES: &'static [&'static str] = &[$($label),+];
        }
    };
}

label_set!(
    /// The full topic, and the event type.
    OfTopicType { topic: "topic", r#type: "type" }
);
label_set!(
    /// The full topic.
    OfTopic { topic: "topic" }
);
label_set!(
    /// The consumer group, the full topic, and the event type.
    OfDelivery { group: "group", topic: "topic", r#type: "type" }
);
label_set!(
    /// The consumer group and the full topic.
    OfGroupTopic { group: "group", topic: "topic" }
);
label_set!(
    /// Those, and why.
    OfFailure { group: "group", topic: "topic", class: "class" }
);
label_set!(
    /// The consumer group.
    OfGroup { group: "group" }
);
label_set!(
    /// What kind of error.
    OfKind { kind: "kind" }
);

/// No labels: one series.
pub(super) type Alone = [(&'static str, &'static str); 0];

impl LabelSet for Alone {
    const NAMES: &'static [&'static str] = &[];
}
