//! Two contenders on the same work, alternately, and what came out.

use std::time::Duration;

/// How often each contender runs.
pub const PAIRS: usize = 5;

/// A figure per run: more is better for rates, less is better for times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Events a second.
    Rate,
    /// Microseconds an event.
    Time,
}

/// What the promise is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Ours divided by theirs.
    Ratio,
    /// Ours less theirs.
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "rows of Kafka ask it")
    )]
    Excess,
    /// Our figure alone.
    Figure,
}

/// The result of one contest.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured, with its conditions.
    pub name: String,
    /// What ours was compared with.
    pub peer: String,
    /// What the figures are.
    pub unit: Unit,
    /// The median of our runs.
    pub ours: f64,
    /// The median of the peer's runs; `None` where the target is absolute.
    pub theirs: Option<f64>,
    /// What the target bounds.
    pub bound: Bound,
    /// Of what is bounded, the median of the pairs.
    pub measured: f64,
    /// And the lowest and the highest.
    pub range: (f64, f64),
    /// What the project has promised.
    pub target: f64,
}

impl Row {
    /// Whether the promise is kept.
    pub fn reached(&self) -> bool {
        match self.unit {
            Unit::Rate => self.measured >= self.target,
            Unit::Time => self.measured <= self.target,
        }
    }
}

/// Runs both contenders alternately, after one warm-up pair that does not count; the target bounds
/// the ratio.
pub fn contest(
    name: &str,
    peer: &str,
    unit: Unit,
    target: f64,
    ours: impl FnMut() -> f64,
    theirs: impl FnMut() -> f64,
) -> Row {
    let pairs = alternate(ours, theirs);
    judge(name, peer, (unit, Bound::Ratio, target), &pairs, |o, t| {
        o / t
    })
}

/// The same for times of which ours may be longer by `target`.
#[cfg(feature = "kafka")]
pub fn excess(
    name: &str,
    peer: &str,
    target: f64,
    ours: impl FnMut() -> f64,
    theirs: impl FnMut() -> f64,
) -> Row {
    let pairs = alternate(ours, theirs);
    let promise = (Unit::Time, Bound::Excess, target);
    judge(name, peer, promise, &pairs, |o, t| o - t)
}

fn alternate(mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> Vec<(f64, f64)> {
    let mut pairs = Vec::with_capacity(PAIRS);
    for round in 0..=PAIRS {
        // The order changes, so that neither always meets the colder machine.
        let pair = if round % 2 == 0 {
            let o = ours();
            (o, theirs())
        } else {
            let t = theirs();
            (ours(), t)
        };
        if round > 0 {
            pairs.push(pair);
        }
    }
    pairs
}

fn judge(
    name: &str,
    peer: &str,
    (unit, bound, target): (Unit, Bound, f64),
    pairs: &[(f64, f64)],
    compare: impl Fn(f64, f64) -> f64,
) -> Row {
    let compared: Vec<f64> = pairs.iter().map(|(o, t)| compare(*o, *t)).collect();
    Row {
        name: name.into(),
        peer: peer.into(),
        unit,
        ours: median(pairs.iter().map(|p| p.0)),
        theirs: Some(median(pairs.iter().map(|p| p.1))),
        bound,
        measured: median(compared.iter().copied()),
        range: range(&compared),
        target,
    }
}

/// Runs one contender against a figure.
pub fn alone(name: &str, unit: Unit, target: f64, mut ours: impl FnMut() -> f64) -> Row {
    ours();
    let figures: Vec<f64> = (0..PAIRS).map(|_| ours()).collect();
    let median = median(figures.iter().copied());
    Row {
        name: name.into(),
        peer: "absolute".into(),
        unit,
        ours: median,
        theirs: None,
        bound: Bound::Figure,
        measured: median,
        range: range(&figures),
        target,
    }
}

/// Events a second.
pub fn rate(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

fn range(values: &[f64]) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    values
        .iter()
        .fold(none, |(low, high), v| (v.min(low), v.max(high)))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
