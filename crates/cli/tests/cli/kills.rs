//! Processes of the demo are killed with SIGKILL at random instants, publisher and consumer alike:
//! every event that the bus confirmed takes effect all the same.
//!
//! A failure prints its seed; `TIDINGS_KILLS_SEED=N` repeats the plan of kills and the changes
//! (what the processes do between two instants stays up to the machine).

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use rusqlite::{Connection, OpenFlags};
use tidings_conformance::servers::{RedisOptions, RedisServer};

/// The variable that names the seed.
const SEED: &str = "TIDINGS_KILLS_SEED";
/// Over both tests, 200.
const KILLS: u32 = 100;
/// A kill every 300 ms on average, as much as the processes have time to get into their work.
const SECONDS: &str = "30";
/// Short, so that what a dead consumer held comes back before the next kill.
const LEASE: &str = "300ms";

#[test]
fn over_a_file_whatever_was_confirmed_takes_effect() -> Result<(), Box<dyn Error>> {
    kill(None, 1)
}

#[tokio::test]
async fn over_redis_whatever_was_confirmed_takes_effect() -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start(RedisOptions::default()).await?;
    let url = redis.url();
    tokio::task::spawn_blocking(move || kill(Some(&url), 2).map_err(|e| e.to_string())).await??;
    Ok(())
}

fn seed(of: u64) -> u64 {
    let given = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        let now = jiff::Timestamp::now().as_nanosecond() as u64;
        now.wrapping_mul(of) % 1_000_000
    })
}

/// Plays the demo, and looks at the databases that it leaves.
fn kill(bus: Option<&str>, of: u64) -> Result<(), Box<dyn Error>> {
    let seed = seed(of);
    let place = bus.map_or("a file", |_| "Redis");
    // Not captured, so that a run that hangs tells its seed too.
    writeln!(
        std::io::stderr(),
        "{KILLS} kills over {place}: {SEED}={seed}"
    )?;
    let folder = tempfile::tempdir()?;
    let mut demo = Command::new(env!("CARGO_BIN_EXE_tidings"));
    demo.args(["demo", "--json", "--seconds", SECONDS, "--lease", LEASE])
        .args(["--rate", "100", "--seed", &seed.to_string()])
        .args(["--kills", &KILLS.to_string()])
        .arg("--folder")
        .arg(folder.path())
        .current_dir(folder.path())
        .env_remove("TIDINGS_BUS");
    if let Some(bus) = bus {
        demo.args(["--bus", bus]);
    }
    let output = demo.output()?;
    let told = String::from_utf8(output.stdout)?;
    let last = told.lines().last().unwrap_or("nothing");
    let context = format!(
        "{SEED}={seed} over {place}\n{last}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{}: {context}", output.status);
    let killed = told
        .lines()
        .filter(|line| line.contains(r#""event":"killed""#));
    assert_eq!(killed.count(), KILLS as usize, "{context}");

    // What the demo says of itself is not taken on trust.
    let discovery = Database::open(&folder.path().join("discovery.db"))?;
    let lms = Database::open(&folder.path().join("lms.db"))?;
    let confirmed = discovery.column("SELECT id FROM changes WHERE published = 1")?;
    let effective = lms.column("SELECT id FROM inbox")?;
    let lost: Vec<_> = confirmed.difference(&effective).collect();
    assert!(lost.is_empty(), "confirmed and lost: {lost:?}: {context}");
    assert!(
        confirmed.len() > 500,
        "only {} events: {context}",
        confirmed.len()
    );
    let rows = "SELECT key || '|' || title || '|' || organization || '|' || effort || '|' ||
                archived || '|' || version || '|' || modified FROM courses";
    assert_eq!(discovery.column(rows)?, lms.column(rows)?, "{context}");
    Ok(())
}

struct Database(Connection);

impl Database {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map(Self)
    }

    fn column(&self, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    }
}
