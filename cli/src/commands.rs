//! The subcommands: one file each, with its `Args` and what `run` does. A new one is a file here
//! and a line in the list below.

use crate::error::Failure;
use crate::output::Output;

pub(crate) mod act;

macro_rules! commands {
    ($($name:ident = $module:ident,)*) => {
        $(pub mod $module;)*

        /// What to do.
        #[derive(clap::Subcommand, Debug)]
        #[allow(clippy::large_enum_variant, reason = "one value lives for the whole process")]
        pub enum Command {
            $(
                #[allow(missing_docs, reason = "the help text is the documentation of its Args")]
                $name($module::Args),
            )*
        }

        impl Command {
            /// Runs it.
            ///
            /// # Errors
            /// What went wrong, and what to do.
            pub fn run(self, out: &Output) -> Result<(), Failure> {
                match self {
                    $(Self::$name(args) => args.run(out),)*
                }
            }
        }
    };
}

commands! {
    Init = init,
    Keygen = keygen,
    Submit = submit,
    Sign = sign,
    Record = record,
    Register = register,
    Order = order,
    Pack = pack,
    Unpack = unpack,
    Seal = seal,
    BreakSeal = break_seal,
    Ship = ship,
    VoidShipment = void_shipment,
    Redirect = redirect,
    Clear = clear,
    Receive = receive,
    TransferTitle = transfer_title,
    SetUse = set_use,
    Install = install,
    Remove = remove,
    Decommission = decommission,
    Destroy = destroy,
    SetLoss = set_loss,
    SetSeizure = set_seizure,
    Replace = replace,
    Correct = correct,
    Items = items,
    Where = where_is,
    Trace = trace,
    Compute = compute,
    Concentration = concentration,
    Flows = flows,
    Shipments = shipments,
    Sample = sample,
    SamplePlan = sample_plan,
    SampleDraw = sample_draw,
    Accountancy = accountancy,
    Pools = pools,
    Headroom = headroom,
    Changes = changes,
    EverAt = ever_at,
    Coverage = coverage,
    Alerts = alerts,
    Status = status,
    Prove = prove,
    Check = check,
    Audit = audit,
    Backup = backup,
    Restore = restore,
    Export = export,
    Import = import,
    Completions = completions,
    Man = man,
}
