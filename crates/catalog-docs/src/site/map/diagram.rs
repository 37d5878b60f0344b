//! The map as a picture: two columns of services, and bands between them.
//!
//! Everything follows from the flows alone, so that the same catalog is drawn the same.

use maud::{Markup, html};

use super::flow::Flow;
use crate::site::layout::Page;
use crate::site::model::counted;
use crate::site::path;

/// The measures of a picture.
pub(super) struct Measures {
    name: &'static str,
    width: f64,
    /// Where the bars of the two columns stand.
    left: f64,
    right: f64,
    gap: f64,
    /// A bar is at least so high that its name and what is under it do not touch the next.
    min_bar: f64,
    top: f64,
    /// Whether names stand above their bars, and not beside them.
    above: bool,
    /// How many letters of a name there is room for.
    letters: usize,
}

/// For a page that is wide enough for names beside the bars.
pub(super) const WIDE: Measures = Measures {
    name: "wide",
    width: 960.0,
    left: 250.0,
    right: 700.0,
    gap: 16.0,
    min_bar: 26.0,
    top: 14.0,
    above: false,
    letters: 26,
};

/// For a phone.
pub(super) const NARROW: Measures = Measures {
    name: "narrow",
    width: 360.0,
    left: BAR,
    right: 360.0 - BAR,
    gap: 44.0,
    min_bar: 8.0,
    top: 40.0,
    above: true,
    letters: 19,
};

const BAR: f64 = 8.0;
/// How high the bars of a column are together, where there are few or many events.
const TOTAL: f64 = 460.0;

/// A service in one of the columns.
struct Bar<'m> {
    service: Option<&'m str>,
    y: f64,
    height: f64,
    events: usize,
    /// How much of it bands have taken.
    used: f64,
}

impl Bar<'_> {
    fn take(&mut self, thickness: f64) -> f64 {
        let y = self.y + self.used;
        self.used += thickness;
        y
    }
}

pub(super) fn svg(page: &Page<'_>, flows: &[Flow<'_>], measures: &Measures) -> Markup {
    let links: usize = flows.iter().map(|flow| flow.events.len()).sum();
    let unit = (TOTAL / links.max(1) as f64).clamp(1.2, 14.0);
    let mut left = column(
        flows,
        |flow| flow.from,
        (unit, measures),
        |_, first| first as f64,
    );
    // A receiver stands at the height of those it hears, so that bands cross little.
    let mut right = column(
        flows,
        |flow| flow.to,
        (unit, measures),
        |service, _| {
            let heard = flows.iter().filter(|flow| flow.to == service);
            let (sum, weight) = heard.fold((0.0, 0.0), |(sum, weight), flow| {
                let bar = left.iter().find(|bar| bar.service == flow.from);
                let middle = bar.map_or(0.0, |bar| bar.y + bar.height / 2.0);
                let events = flow.events.len() as f64;
                (sum + middle * events, weight + events)
            });
            sum / weight
        },
    );
    let bottom = |bars: &[Bar<'_>]| bars.last().map_or(0.0, |bar| bar.y + bar.height);
    let height = bottom(&left).max(bottom(&right)) + WIDE.top;
    centre(&mut left, height);
    centre(&mut right, height);

    // Bands leave a bar in the order of where they arrive, and arrive in that of where they leave.
    let place = |bars: &[Bar<'_>], service| bars.iter().position(|bar| bar.service == service);
    let mut order: Vec<usize> = (0..flows.len()).collect();
    order.sort_by_key(|&index| {
        (
            place(&left, flows[index].from),
            place(&right, flows[index].to),
            index,
        )
    });
    let mut starts = vec![0.0; flows.len()];
    for &index in &order {
        let flow = &flows[index];
        if let Some(bar) = left.iter_mut().find(|bar| bar.service == flow.from) {
            starts[index] = bar.take(flow.events.len() as f64 * unit);
        }
    }
    order.sort_by_key(|&index| {
        (
            place(&right, flows[index].to),
            place(&left, flows[index].from),
            index,
        )
    });
    let mut bands = Vec::new();
    for &index in &order {
        let flow = &flows[index];
        if let Some(bar) = right.iter_mut().find(|bar| bar.service == flow.to) {
            let thickness = flow.events.len() as f64 * unit;
            bands.push((
                flow,
                band(measures, starts[index], bar.take(thickness), thickness),
            ));
        }
    }

    html! {
        @let (title, about) = (format!("{}-title", measures.name), format!("{}-about", measures.name));
        svg class={ "flow " (measures.name) } viewBox=(format!("0 0 {} {height:.0}", measures.width))
            role="group" aria-labelledby={ (title) " " (about) } {
            title id=(title) { "Who sends what to whom" }
            desc id=(about) {
                (counted(left.len(), "service")) " on the left, each with its events in bands to those on the right. \
                The table below says the same."
            }
            g.bands {
                @for (flow, path) in &bands {
                    path class={ "s" (page.model.hue(flow.subdomain)) @if flow.to.is_none() { " nobody" } } d=(path) {
                        title {
                            (flow.from.unwrap_or("unknown")) " → " (flow.to.unwrap_or("no declared consumer")) ": "
                            (counted(flow.events.len(), "event")) " of " (flow.subdomain)
                        }
                    }
                }
            }
            g.senders {
                @for bar in &left { (drawn(page, bar, measures, Side::Left)) }
            }
            g.receivers {
                @for bar in &right { (drawn(page, bar, measures, Side::Right)) }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn drawn(page: &Page<'_>, bar: &Bar<'_>, measures: &Measures, side: Side) -> Markup {
    let (does, nobody) = match side {
        Side::Left => ("emits", "unknown"),
        Side::Right => ("consumes", "no declared consumer"),
    };
    let x = match side {
        Side::Left => measures.left - BAR,
        Side::Right => measures.right,
    };
    let text = match (measures.above, side) {
        (false, Side::Left) => x - 10.0,
        (false, Side::Right) => x + BAR + 10.0,
        (true, Side::Left) => x,
        (true, Side::Right) => x + BAR,
    };
    let (first, second) = match measures.above {
        true => (bar.y - 20.0, bar.y - 5.0),
        false => {
            let middle = bar.y + bar.height / 2.0;
            (middle - 1.0, middle + 13.0)
        }
    };
    let name = bar.service.unwrap_or(nobody);
    let label = html! {
        rect x=(format!("{x:.1}")) y=(format!("{:.1}", bar.y)) width=(BAR) height=(format!("{:.1}", bar.height)) rx="2" {}
        text.name x=(format!("{text:.1}")) y=(format!("{first:.1}")) { (cut(name, measures.letters)) }
        text.what x=(format!("{text:.1}")) y=(format!("{second:.1}")) {
            @if bar.service.is_some() { (does) " " }
            (bar.events)
        }
    };
    html! {
        @match bar.service {
            Some(service) => {
                a href=(page.to(&path::service(service))) {
                    title { (service) " " (does) " " (counted(bar.events, "event")) }
                    (label)
                }
            }
            None => g.nobody { (label) },
        }
    }
}

/// The bars of a column from top to bottom, by rank and then by name.
fn column<'m>(
    flows: &[Flow<'m>],
    side: impl Fn(&Flow<'m>) -> Option<&'m str>,
    (unit, measures): (f64, &Measures),
    rank: impl Fn(Option<&'m str>, usize) -> f64,
) -> Vec<Bar<'m>> {
    let mut services: Vec<Option<&str>> = Vec::new();
    for flow in flows {
        if !services.contains(&side(flow)) {
            services.push(side(flow));
        }
    }
    let mut ranked: Vec<(bool, f64, Option<&str>)> = services
        .iter()
        .enumerate()
        .map(|(first, service)| (service.is_none(), rank(*service, first), *service))
        .collect();
    ranked.sort_by(|a, b| (a.0, a.2).cmp(&(b.0, b.2)).then(std::cmp::Ordering::Equal));
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut y = measures.top;
    let bars = ranked.into_iter().map(|(_, _, service)| {
        let own = flows.iter().filter(|flow| side(flow) == service);
        let (mut links, mut types) = (0, Vec::new());
        for flow in own {
            links += flow.events.len();
            types.extend(flow.events.iter().map(|event| &*event.event_type));
        }
        // An event that goes to several is one event.
        types.sort_unstable();
        types.dedup();
        let thickness = links as f64 * unit;
        let bar = Bar {
            service,
            y,
            height: thickness.max(measures.min_bar),
            events: types.len(),
            used: (thickness.max(measures.min_bar) - thickness) / 2.0,
        };
        y += bar.height + measures.gap;
        bar
    });
    bars.collect()
}

/// Moves a column to the middle of the picture.
fn centre(bars: &mut [Bar<'_>], height: f64) {
    let bottom = bars.last().map_or(0.0, |bar| bar.y + bar.height);
    let down = (height - WIDE.top - bottom) / 2.0;
    for bar in bars {
        bar.y += down;
    }
}

/// The outline of a band that leaves at one height and arrives at another.
fn band(measures: &Measures, from: f64, to: f64, thickness: f64) -> String {
    let Measures { left, right, .. } = *measures;
    let middle = f64::midpoint(left, right);
    let (from_end, to_end) = (from + thickness, to + thickness);
    format!(
        "M{left} {from:.1}C{middle} {from:.1} {middle} {to:.1} {right} {to:.1}\
         L{right} {to_end:.1}C{middle} {to_end:.1} {middle} {from_end:.1} {left} {from_end:.1}Z"
    )
}

/// A name that fits beside a bar; all of it stands in the title.
fn cut(name: &str, letters: usize) -> String {
    match name.chars().count() > letters {
        true => name.chars().take(letters - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
