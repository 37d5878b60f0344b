//! A run, from the servers to the verdict.

use std::time::{Duration, Instant};

use tidings::Bus;
use tidings_transport::{Count, Group, GroupInfo, Topic};
use tokio::time::sleep;

use crate::args::RunArgs;
use crate::books::Books;
use crate::database::Database;
use crate::faults::Crew;
use crate::plan::Plan;
use crate::planted::Bug;
use crate::report::{self, Progress, Report};
use crate::stage::{APP, Stage, VIEW};
use crate::words::{GROUP, Result, TOPICS};

/// For how long nothing may move while everything is supposed to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);
/// A planted bug may leave things that never come to rest.
const PLANTED_PATIENCE: Duration = Duration::from_secs(12);

/// How long the moment of a planted bug may take to come.
const OCCASION: Duration = Duration::from_secs(120);

/// Runs a scenario; whether the books balance.
pub async fn run(args: &RunArgs) -> Result<bool> {
    let seed = args.seed.unwrap_or_else(|| {
        let now = jiff::Timestamp::now().as_nanosecond();
        now.unsigned_abs() as u64 % 1_000_000
    });
    // Before anything else: a run that hangs must have told its seed.
    report::to_stderr(&format!("{}: --seed {seed}", args.scenario));
    let plan = Plan::new(seed, args.scenario, args.size, args.plant);
    let mut stage = Stage::build(args.scenario, args.folder.as_deref()).await?;
    let began = Instant::now();
    let mut crew = Crew::start(&stage, seed, &plan, args.plant)?;
    let mut progress = Progress::new(&plan);

    let mut faults = plan.faults.iter().peekable();
    let mut looked = Instant::now();
    let mut killed = !args.plant.is_some_and(Bug::waits_to_be_killed);
    loop {
        crew.go_on(false)?;
        if !killed {
            killed = crew.kill_in_its_moment(&stage).await?;
        }
        if looked.elapsed() > Duration::from_millis(500) {
            progress.events(committed(&stage).await);
            crew.check()?;
            looked = Instant::now();
            if !killed && began.elapsed() > OCCASION {
                return Err("no process came to the moment of the planted bug".into());
            }
        }
        match faults.peek() {
            None if killed && progress.reached() && crew.next_to_go_on().is_none() => break,
            Some(fault) if began.elapsed() >= fault.at => {
                progress.fault(fault);
                crew.suffer(fault, &mut stage).await?;
                faults.next();
            }
            _ => sleep(Duration::from_millis(5)).await,
        }
    }
    crew.end_writing().await?;
    let bus = tidings::open(&stage.bus()).await?;
    let patience = match args.plant {
        Some(_) => PLANTED_PATIENCE,
        None => PATIENCE,
    };
    let rests = come_to_rest(&stage, &bus, &mut crew, patience).await?;
    progress.end();
    crew.end().await?;

    let broken_words = match args.scenario.log_keeps_its_word() {
        true => Vec::new(),
        false => crew.bus_killed,
    };
    let books = Books::read(&stage, &bus, broken_words).await?;
    let balance = books.balance();
    let report = Report {
        scenario: args.scenario,
        seed,
        took: began.elapsed(),
        faults: crew.done,
        rests,
        balance,
    };
    report.print(args.json);
    Ok(report.balances())
}

/// Committed events; 0 while the database is away.
async fn committed(stage: &Stage) -> i64 {
    let count = async {
        let mut app = Database::connect(&stage.database(APP)).await?;
        app.number("SELECT count(*) FROM written").await
    };
    let count = tokio::time::timeout(Duration::from_secs(2), count).await;
    count.ok().and_then(Result::ok).unwrap_or(0)
}

/// Waits until the outbox is empty and the group has settled everything; false when nothing has
/// moved for too long.
async fn come_to_rest(
    stage: &Stage,
    bus: &Bus,
    crew: &mut Crew,
    patience: Duration,
) -> Result<bool> {
    let (mut last, mut moved) = (None, Instant::now());
    loop {
        crew.check()?;
        let state = state(stage, bus).await?;
        if state.waiting == 0 && state.unsettled == Some(0) {
            return Ok(true);
        }
        if last.replace(state) != last {
            moved = Instant::now();
        } else if moved.elapsed() > patience {
            return Ok(false);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Rows in the outbox.
    waiting: i64,
    /// What the group has not settled; `None` while the log cannot tell.
    unsettled: Option<u64>,
    effects: i64,
}

/// The groups of a topic; a log that has just come up again may need a while.
async fn groups(bus: &Bus, topic: &Topic) -> Result<Vec<GroupInfo>> {
    let since = Instant::now();
    loop {
        match bus.transport().groups(topic).await {
            Err(e) if e.is_temporary() && since.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(200)).await;
            }
            result => return Ok(result?),
        }
    }
}

async fn state(stage: &Stage, bus: &Bus) -> Result<State> {
    let mut app = Database::connect(&stage.database(APP)).await?;
    let mut view = Database::connect(&stage.database(VIEW)).await?;
    let group = Group::new(GROUP)?;
    let mut unsettled = Some(0);
    for topic in TOPICS {
        let groups = groups(bus, &Topic::new(topic)?).await?;
        let info = groups.into_iter().find(|info| info.group == group);
        let info = info.ok_or("the group has vanished")?;
        unsettled = match info.lag.events {
            Count::Exactly(n) => unsettled.map(|all| all + n),
            Count::AtLeast(_) | Count::Unknown => None,
        };
    }
    Ok(State {
        waiting: app.number("SELECT count(*) FROM tidings_outbox").await?,
        unsettled,
        effects: view.number("SELECT count(*) FROM effects").await?,
    })
}
