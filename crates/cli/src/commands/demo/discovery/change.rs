//! What *discovery* does to its courses: made up, but the same for the same seed.

use crate::commands::demo::course::Course;
use crate::commands::demo::seed::Random;

/// What happened to a course: the action in the type of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Created,
    Updated,
    Archived,
}

impl Action {
    /// The type of the event that says so.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Created => "org.openedx.catalog.course.created.v1",
            Self::Updated => "org.openedx.catalog.course.updated.v1",
            Self::Archived => "org.openedx.catalog.course.archived.v1",
        }
    }
}

/// No more courses than this, so that events of one course keep coming.
const MOST: u32 = 120;

const ORGANIZATIONS: &[&str] = &["edX", "DelftX", "MITx", "KyotoUx", "UQx", "ETHx"];
const LEVELS: &[&str] = &["Introduction to", "Advanced", "Practical", "A History of"];
const SUBJECTS: &[&str] = &[
    "Hydrology",
    "Number Theory",
    "Solar Energy",
    "Sound",
    "Typography",
    "Bridges",
    "Tides",
    "Soil",
    "Logic",
    "Networks",
];

/// Decides on change number `number` of a seed: which course of `count` (`None` is a new one).
pub fn choose(random: &mut Random, count: u32) -> Option<u32> {
    let new = count == 0 || (count < MOST && random.below(100) < 15);
    (!new).then(|| random.below(count.into()) as u32)
}

/// A course that was not there before.
pub fn created(random: &mut Random, number: u32, now: i64) -> Course {
    let organization = random.pick(ORGANIZATIONS);
    let subject = random.pick(SUBJECTS);
    let code: String = subject.chars().filter(|c| c.is_ascii_uppercase()).collect();
    Course {
        key: format!("course-v1:{organization}+{code}{number}+2026"),
        title: format!("{} {subject}", random.pick(LEVELS)),
        organization: organization.into(),
        effort: 2 + random.below(8) as u32,
        archived: false,
        version: 1,
        modified: now,
    }
}

/// The next state of a course, and what happened to it.
pub fn changed(random: &mut Random, course: &Course, now: i64) -> (Course, Action) {
    let mut next = course.clone();
    next.version += 1;
    // The time of a row never goes back, whatever the clock does.
    next.modified = now.max(course.modified + 1);
    let action = match random.below(20) {
        0 if !course.archived => {
            next.archived = true;
            Action::Archived
        }
        1..=9 => {
            let (level, subject) = (random.pick(LEVELS), random.pick(SUBJECTS));
            next.title = format!("{level} {subject}, edition {}", next.version);
            Action::Updated
        }
        _ => {
            next.archived = false;
            next.effort = 1 + (course.effort + random.below(8) as u32) % 12;
            Action::Updated
        }
    };
    (next, action)
}

#[cfg(test)]
mod tests {
    use super::{Action, changed, choose, created};
    use crate::commands::demo::seed::Random;

    #[test]
    fn courses_grow_to_a_bound_and_versions_and_times_always_rise() {
        let mut count = 0;
        for number in 0..2_000 {
            if choose(&mut Random::new(1, number), count).is_none() {
                count += 1;
            }
        }
        assert_eq!(count, super::MOST);
        let mut random = Random::new(1, 0);
        let mut course = created(&mut random, 0, 1_000);
        let mut seen = Vec::new();
        for _ in 0..200 {
            // A clock that stands still.
            let (next, action) = changed(&mut random, &course, 1_000);
            assert!(next.version == course.version + 1 && next.modified > course.modified);
            assert_eq!(next.key, course.key);
            seen.push(action);
            course = next;
        }
        assert!(seen.contains(&Action::Archived) && seen.contains(&Action::Updated));
    }
}
