//! Options that stand before the verb and belong to it.

use clap::error::ErrorKind;

use super::{BusArgs, Command, DlqCommand, FileCommand, GroupsCommand};

impl Command {
    /// Hands the verb the bus and the catalogs that were named before it.
    pub(super) fn take_bus(&mut self, before: BusArgs) -> Result<(), (ErrorKind, String)> {
        let BusArgs { bus, catalog } = before;
        if bus.is_none() && catalog.is_empty() {
            return Ok(());
        }
        let Some(own) = self.bus() else {
            let what = "this command works on no bus: leave out what stands before it";
            return Err((ErrorKind::UnknownArgument, what.to_owned()));
        };
        if bus.is_some() {
            if own.bus.is_some() {
                let what = "--bus is given twice, before and behind the command";
                return Err((ErrorKind::ArgumentConflict, what.to_owned()));
            }
            own.bus = bus;
        }
        own.catalog.splice(0..0, catalog);
        Ok(())
    }

    /// The bus that the verb works on, if it works on one.
    fn bus(&mut self) -> Option<&mut BusArgs> {
        Some(match self {
            Self::Publish(args) => &mut args.bus,
            Self::Consume(args) => &mut args.bus,
            Self::Tail(args) => &mut args.bus,
            Self::Dlq(args) => match &mut args.command {
                DlqCommand::List(args) => &mut args.bus,
                DlqCommand::Show(args) => &mut args.bus,
                DlqCommand::Retry(args) | DlqCommand::Discard(args) => &mut args.bus,
                DlqCommand::Release(args) => &mut args.bus,
                DlqCommand::Export(args) => &mut args.bus,
            },
            Self::Replay(args) => &mut args.bus,
            Self::Topics(args) => &mut args.bus,
            Self::Groups(args) => match &mut args.command {
                Some(GroupsCommand::Create(args)) => &mut args.bus,
                Some(GroupsCommand::Acknowledge(args) | GroupsCommand::Remove(args)) => {
                    &mut args.bus
                }
                None => &mut args.bus,
            },
            Self::Seek(args) => &mut args.bus,
            Self::File(args) => match &mut args.command {
                FileCommand::Backup(args) => &mut args.bus,
                FileCommand::Check(args) => &mut args.bus,
                FileCommand::Compact(args) => &mut args.bus,
            },
            Self::Trim(args) => &mut args.bus,
            Self::Relay(args) => &mut args.bus,
            Self::Doctor(args) => &mut args.bus,
            Self::Demo(args) => &mut args.bus,
            Self::DemoService(args) => &mut args.bus,
            Self::Outbox(_)
            | Self::Check(_)
            | Self::Catalog(_)
            | Self::Completions(_)
            | Self::Man(_) => return None,
        })
    }
}
