//! Ids stay unique across forks. Without the test harness, since only a process with a single
//! thread may go on freely after a fork.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::exit;
use std::thread;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use tidings_event::new_id;

const CHILDREN: usize = 6;
const THREADS: usize = 4;
const IDS: usize = 3_000;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The parent has an identity already when it forks: children that kept it would collide.
    let mut ids: Vec<String> = (0..IDS).map(|_| new_id()).collect();
    let children: Vec<Pid> = (0..CHILDREN)
        .map(|child| in_child(|| family(folder.path(), child)))
        .collect();
    ids.extend((0..IDS).map(|_| new_id()));
    for child in children {
        assert_ends_well(child);
    }
    for file in fs::read_dir(folder.path()).expect("the folder") {
        let text = fs::read_to_string(file.expect("an entry").path()).expect("a list of ids");
        ids.extend(text.lines().map(str::to_owned));
    }
    let expected = 2 * IDS + CHILDREN * (IDS + THREADS * IDS);
    assert_eq!(ids.len(), expected, "every process wrote its ids");
    let identities: HashSet<&str> = ids.iter().map(|id| &id[19..]).collect();
    assert_eq!(
        identities.len(),
        1 + 2 * CHILDREN,
        "every process has its own"
    );
    let distinct: HashSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), expected, "no id came twice");
}

/// A child makes ids, forks a grandchild that makes some in threads, and makes the rest.
fn family(folder: &Path, child: usize) {
    let first: Vec<String> = (0..IDS / 2).map(|_| new_id()).collect();
    let grandchild = in_child(|| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| thread::spawn(|| (0..IDS).map(|_| new_id()).collect::<Vec<_>>()))
            .collect();
        let ids = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread"));
        write(
            folder,
            &format!("grandchild-{child}"),
            &ids.collect::<Vec<_>>(),
        );
    });
    let second = (0..IDS - IDS / 2).map(|_| new_id());
    write(
        folder,
        &format!("child-{child}"),
        &first.into_iter().chain(second).collect::<Vec<_>>(),
    );
    assert_ends_well(grandchild);
}

fn write(folder: &Path, name: &str, ids: &[String]) {
    fs::write(folder.join(name), ids.join("\n")).expect("a list of ids is written");
}

#[allow(unsafe_code)]
fn in_child(work: impl FnOnce()) -> Pid {
    // SAFETY: no process here has a second thread when it forks, so no lock is held and no state
    // is half changed in the child. Grandchildren start threads and never fork again.
    match unsafe { fork() }.expect("a fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            work();
            exit(0);
        }
    }
}

fn assert_ends_well(child: Pid) {
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
}
