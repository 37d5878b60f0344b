//! The page of a command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// The name of the file, and what stands in it.
pub fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let man = Man::new(command.clone())
        .manual("Tidings")
        .source(concat!("tidings ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command
        .get_after_long_help()
        .or_else(|| command.get_after_help());
    if let Some(help) = help {
        notes(&help.to_string()).to_writer(&mut page)?;
    }
    Ok((man.get_filename(), page))
}

/// What stands at the end of the help. A line that is indented is kept as it is; one before such
/// lines that ends in a colon is their heading.
fn notes(help: &str) -> Roff {
    let mut roff = Roff::new();
    let mut lines = help.lines().peekable();
    let mut headed = false;
    while let Some(line) = lines.next() {
        let block = lines.peek().is_some_and(|next| next.starts_with(' '));
        match line.strip_suffix(':').filter(|_| block) {
            Some(heading) if !heading.contains(' ') || heading.len() < 12 => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                headed = true;
            }
            _ => {
                if !headed {
                    roff.control("SH", ["NOTES"]);
                    headed = true;
                }
                match line {
                    "" => roff.control("PP", []),
                    line => roff.text([roman(line)]),
                };
            }
        }
        if block {
            roff.control("PP", []);
            roff.control("nf", []);
            while let Some(kept) = lines.next_if(|next| next.starts_with(' ')) {
                roff.text([roman(kept)]);
            }
            roff.control("fi", []);
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::notes;

    #[test]
    fn examples_stay_as_they_are() {
        let text =
            "First,\nand more.\n\nNext:\n    a  b\n\nExamples:\n    tidings x\n    tidings y";
        let roff = notes(text).to_roff();
        let kept = "\n.PP\n.nf\n    tidings x\n    tidings y\n.fi";
        assert!(
            roff.contains(".SH NOTES\nFirst,\nand more.\n.PP\n.SH NEXT"),
            "{roff}"
        );
        assert!(roff.contains(&format!(".SH EXAMPLES{kept}")), "{roff}");
    }
}
