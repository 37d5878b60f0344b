use std::path::PathBuf;

use clap::Args;

use super::WhichArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
What is not given is asked for, if a person is there to answer. Each answer is held against the
rules of `tidings catalog lint` at once: what breaks a rule is refused, advice is told. The file is
FOLDER/SUBDOMAIN/TYPE.yaml, where FOLDER is the first catalog that is named.

Examples:
    tidings catalog new
    tidings catalog new org.example.catalog.course.created.v1 --catalog events \\
        --service catalog --team content --title 'Course created' \\
        --description 'A course was created. Sent once its first draft is saved.' \\
        --key course.course_key --topic courses \\
        --field course.course_key=string --field course.title=string \\
        --field course.start=date-time?")]
pub struct NewArgs {
    /// The type: {reverse DNS}.{subdomain}.{subject}.{action}.v{major}
    #[arg(value_name = "TYPE")]
    pub ty: Option<String>,
    /// The service that emits it
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// The subdomain that the service belongs to [default: the part of the type behind the reverse
    /// DNS, as `catalog` in org.example.catalog.course.created.v1]
    #[arg(long, value_name = "NAME")]
    pub subdomain: Option<String>,
    /// Who to ask about it
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
    /// What happened, in a few words
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// What happened, and when the event is sent
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The field that names what the event is about: course.course_key
    #[arg(long, value_name = "PATH")]
    pub key: Option<String>,
    /// A topic that it is published to; may be repeated
    #[arg(long, value_name = "TOPIC")]
    pub topic: Vec<String>,
    /// A field of the payload as PATH=TYPE, with `?` at the end if it is optional; may be
    /// repeated. Types: string, integer, number, boolean, date-time, date, uuid, uri, email,
    /// and lists of them: string[]
    #[arg(long, value_name = "PATH=TYPE")]
    pub field: Vec<String>,
    /// Write to this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "print")]
    pub out: Option<PathBuf>,
    /// Print the definition instead of writing a file
    #[arg(long)]
    pub print: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}
