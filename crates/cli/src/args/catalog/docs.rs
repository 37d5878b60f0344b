use std::path::PathBuf;

use clap::Args;

use super::WhichArgs;
use crate::args::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Writes a folder of pages with a search, a map and the schemas. It needs no server, asks nothing of
the network, and may be opened from the disk or put anywhere on the web. The same definitions give
the same bytes.

The folder is new, empty, or holds an earlier site, which is replaced. Other files in a site's
folder stay; a folder with other files and no site in it is refused.

With --since there is a changelog: what changed from that state to now. Given several times, oldest
first, it has a part for each.

What programs read, AsyncAPI and JSON Schema, is written by `tidings catalog export --format`.

Examples:
    tidings catalog docs --out site
    tidings catalog docs --catalog events --out site --since v1.2 --title 'Our events'
    tidings catalog docs --out site --since v1.1:events --since v1.2:events")]
pub struct DocsArgs {
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What the site calls itself [default: Events]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// An earlier state to compare with: a folder, a git revision, or REVISION:FOLDER; may be
    /// repeated, oldest first
    #[arg(long, value_name = "STATE")]
    pub since: Vec<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub which: WhichArgs,
}
