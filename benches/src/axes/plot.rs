//! Plots as SVG: small multiples of lines over the points of an axis, on a light ground of their own, since
//! an image does not know whether its page is dark.
//!
//! Lines are labelled where they end, so that nobody has to match colours with a legend; whiskers show the
//! range of the rounds.

use std::fmt::Write;

use crate::results::Spread;

const WIDTH: f64 = 452.0;
const HEIGHT: f64 = 250.0;
/// Around the plotting area of a panel.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 138.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
const HEAD: f64 = 40.0;

const STYLE: &str = "
.page{fill:#ffffff;stroke:#d0d7de}.ink{fill:#1f2328}.soft{fill:#59636e}.grid{stroke:#d8dee4}
.ours{--c:#0b63ce}.also{--c:#0a8a84}.peer{--c:#bc4c00}.other{--c:#8250df}.limit{--c:#6e7781}
text{font:12px system-ui,-apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}
.title{font-size:15px;font-weight:600}.panel{font-size:12.5px;font-weight:600}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.ours.line{stroke-width:2.8}
.limit.line{stroke-dasharray:5 4}.whisker{stroke:var(--c);stroke-width:1.5;opacity:.55}
.dot{fill:var(--c)}.name{fill:var(--c)}.ours.name{font-weight:600}";

/// A line.
pub struct Series {
    pub name: String,
    /// Its colour: `ours`, `also`, `peer`, `other` or `limit`.
    pub class: &'static str,
    /// A value for each point of the axis, where there is one.
    pub values: Vec<Option<Spread>>,
}

/// A field with two axes.
pub struct Panel {
    pub title: String,
    pub label: String,
    /// The points, evenly spaced; empty ones have no label.
    pub points: Vec<String>,
    pub series: Vec<Series>,
    pub scale: Scale,
    pub unit: fn(f64) -> String,
}

/// How values go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// By factors of ten.
    Log,
    /// Evenly, from zero.
    Linear,
}

/// Panels in rows of `columns`, under a title.
pub fn draw(title: &str, columns: usize, panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(columns);
    let (width, height) = (
        WIDTH * columns as f64 + 12.0,
        HEIGHT * rows as f64 + HEAD + 8.0,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\"><style>{STYLE}</style>\n\
         <rect class=\"page\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n\
         <text class=\"title ink\" x=\"16\" y=\"27\">{}</text>\n",
        escape(title),
        width - 1.0,
        height - 1.0,
        escape(title)
    );
    for (n, panel) in panels.iter().enumerate() {
        let (x, y) = (
            (n % columns) as f64 * WIDTH,
            (n / columns) as f64 * HEIGHT + HEAD,
        );
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel.draw(&mut svg);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

impl Panel {
    fn draw(&self, svg: &mut String) {
        let _ = writeln!(
            svg,
            "<text class=\"panel ink\" x=\"16\" y=\"18\">{}</text>",
            escape(&self.title)
        );
        let (low, high) = self.bounds();
        let y = |value: f64| {
            let part = match self.scale {
                Scale::Log => (value.max(low) / low).ln() / (high / low).ln(),
                Scale::Linear => value / high,
            };
            HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
        };
        let step = (WIDTH - LEFT - RIGHT) / (self.points.len().max(2) - 1) as f64;
        let lone = self.points.len() == 1;
        let x = |n: usize| match lone {
            true => (LEFT + WIDTH - RIGHT) / 2.0,
            false => LEFT + n as f64 * step,
        };
        for tick in self.ticks(low, high) {
            let at = y(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"soft\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                escape(&(self.unit)(tick))
            );
        }
        for (n, point) in self
            .points
            .iter()
            .enumerate()
            .filter(|(_, point)| !point.is_empty())
        {
            let _ = writeln!(
                svg,
                "<text class=\"soft\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                x(n),
                HEIGHT - BOTTOM + 18.0,
                escape(point)
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"soft\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - BOTTOM + 34.0,
            escape(&self.label)
        );
        // Ours is drawn last, on top.
        for series in self.series.iter().rev() {
            series.draw(svg, &x, &y);
        }
        self.names(svg, &x, &y);
    }

    /// The names at the ends of their lines, pushed apart where they would meet.
    fn names(&self, svg: &mut String, x: &dyn Fn(usize) -> f64, y: &dyn Fn(f64) -> f64) {
        let mut names: Vec<(f64, f64, &Series)> = self
            .series
            .iter()
            .filter_map(|series| {
                let last = series.values.iter().rposition(Option::is_some)?;
                Some((y(series.values[last]?.middle), x(last), series))
            })
            .collect();
        names.sort_by(|a, b| a.0.total_cmp(&b.0));
        for n in 1..names.len() {
            names[n].0 = names[n].0.max(names[n - 1].0 + 14.0);
        }
        // What was pushed over the edge pushes the others up again.
        let mut floor = HEIGHT - BOTTOM + 4.0;
        for name in names.iter_mut().rev() {
            name.0 = name.0.min(floor);
            floor = name.0 - 14.0;
        }
        for (at, _, series) in names {
            let _ = writeln!(
                svg,
                "<text class=\"{} name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                series.class,
                WIDTH - RIGHT + 10.0,
                at + 4.0,
                escape(&series.name)
            );
        }
    }

    fn bounds(&self) -> (f64, f64) {
        let values = || {
            self.series
                .iter()
                .flat_map(|series| series.values.iter().flatten())
        };
        let low = values()
            .map(|value| value.low)
            .fold(f64::INFINITY, f64::min);
        let high = values().map(|value| value.high).fold(0.0, f64::max);
        match self.scale {
            _ if high <= 0.0 => (0.1, 1.0),
            Scale::Linear => (0.0, ceiling(high)),
            Scale::Log => (floor_of(low.max(high / 1e6)), high * 1.25),
        }
    }

    fn ticks(&self, low: f64, high: f64) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=4).map(|n| high * f64::from(n) / 4.0).collect(),
            Scale::Log => {
                let decades = (high / low).log10();
                let steps: &[f64] = match decades {
                    d if d > 2.4 => &[1.0],
                    d if d > 1.0 => &[1.0, 3.0],
                    _ => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
                };
                let first = low.log10().floor() as i32;
                (first..first + 9)
                    .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
                    .filter(|tick| *tick >= low * 0.999 && *tick <= high)
                    .collect()
            }
        }
    }
}

impl Series {
    fn draw(&self, svg: &mut String, x: &dyn Fn(usize) -> f64, y: &dyn Fn(f64) -> f64) {
        let class = self.class;
        let found: Vec<(f64, Spread)> = self
            .values
            .iter()
            .enumerate()
            .filter_map(|(n, value)| Some((x(n), (*value)?)))
            .collect();
        let points: Vec<String> = found
            .iter()
            .map(|(at, value)| format!("{at:.1},{:.1}", y(value.middle)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline class=\"{class} line\" points=\"{}\"/>",
            points.join(" ")
        );
        // A line of hundreds of points speaks for itself.
        if found.len() > 20 {
            return;
        }
        for (at, value) in found {
            let _ = writeln!(
                svg,
                "<line class=\"{class} whisker\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
                 <circle class=\"{class} dot\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"3.4\"/>",
                y(value.low),
                y(value.high),
                y(value.middle)
            );
        }
    }
}

/// A round number above.
fn ceiling(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

/// One or three times a power of ten below.
fn floor_of(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    if value >= 3.0 * power {
        3.0 * power
    } else {
        power
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
