//! Who writes a lot does not keep others from writing.

use std::time::Duration;

use crate::child::{Other, Role, wait_for};

#[test]
fn three_writers_get_about_the_same_number_of_turns() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["one", "two", "three"];
    let writers = names.map(|name| Other::start(folder.path(), Role::Publish, name));
    let counts = || writers.each_ref().map(|w| w.noted().len());
    wait_for("all to have begun", || counts().iter().all(|n| *n > 0));
    let before = counts();
    std::thread::sleep(Duration::from_secs(2));
    wait_for("something to be written", || {
        counts().iter().sum::<usize>() > before.iter().sum::<usize>() + 600
    });
    let after = counts();
    let written: Vec<_> = std::iter::zip(after, before).map(|(a, b)| a - b).collect();
    let (least, most) = (written.iter().min(), written.iter().max());
    // Without turns one of them was measured to get 230 times as many as the other.
    assert!(
        least.is_some_and(|l| l * 4 >= most.copied().unwrap_or(0)),
        "events written by each: {written:?}"
    );
}
