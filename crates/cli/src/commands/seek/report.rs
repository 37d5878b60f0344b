//! The plan in words and as JSON.

use serde_json::{Value, json};
use tidings_transport::{Count, Position};

use super::plan::Plan;
use crate::output::{count_as_json, counted, number, time};

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    Would,
    Did,
}

impl Plan {
    /// For people.
    pub fn text(&self, tense: Tense) -> String {
        let (was, is, are, will_be) = match tense {
            Tense::Would => ("is", "would be", "would be", "would be"),
            Tense::Did => ("was", "is now", "are", "will be"),
        };
        let (topic, group, before) = (&self.topic, &self.group, &self.before);
        let after = self.after.as_ref().map(Position::as_str);
        let after = after.map_or("before the first event".to_owned(), |at| format!("at {at}"));
        let mut lines = vec![format!(
            "group {group} of {topic} {was} at {before}, and {is} {after}"
        )];
        let mut say = |n: Count, what: &str| {
            if n != Count::Exactly(0) {
                lines.push(format!("  {} {what}", counted(n, "event")));
            }
        };
        say(self.again, &format!("{will_be} handed out again"));
        say(self.skipped, &format!("{will_be} passed over"));
        if self.in_hand > 0 {
            lines.push(format!(
                "  {} in hand {are} forgotten",
                number(self.in_hand)
            ));
        }
        lines.push(match &self.next {
            None => format!("  what is published from now on {will_be} the next"),
            Some((position, received)) => {
                let received = received.map_or(String::new(), |at| format!(" of {}", time(at)));
                format!("  {position}{received} {will_be} the next")
            }
        });
        lines.join("\n")
    }

    /// For programs.
    pub fn as_json(&self, tense: Tense) -> Value {
        let (again, again_is) = count_as_json(self.again);
        let (skipped, skipped_is) = count_as_json(self.skipped);
        let (next, received) = self.next.as_ref().map_or((None, None), |(next, received)| {
            (Some(next.as_str()), received.map(|at| at.to_string()))
        });
        json!({
            "topic": self.topic.as_str(),
            "group": self.group.as_str(),
            "moved": tense == Tense::Did,
            "before": self.before.as_str(),
            "after": self.after.as_ref().map(Position::as_str),
            "next": next,
            "next_received": received,
            "again": again,
            "again_is": again_is,
            "skipped": skipped,
            "skipped_is": skipped_is,
            "in_hand": self.in_hand,
        })
    }
}
