// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! A VMM that runs a guest again and again, each time on memory that is zero.
//!
//! It needs /dev/kvm.  On an error it says what helps.
use std::error::Error;
use std::sync::Arc;

use fastzero::kvm::{Kvm, Tracking};
use fastzero::{Context, MapOptions, Mode, ScratchOptions};

mod machine;

fn main() -> Result<(), Box<dyn Error>> {
    let context = Context::open()?;
    eprint!("{}", context.backend_why());
    let ram = Arc::new(context.scratch(64 << 10, &ScratchOptions::new().name("guest"))?);
    let mapping = Arc::new(ram.map(&MapOptions::new().guard(64 << 10))?);

    let mut machine = machine::Machine::new()?;
    let mut kvm = Kvm::new(machine.vm(), Tracking::Log)?;
    kvm.vcpu(machine.add_vcpu()?)?;
    kvm.attach(1, machine::RAM, &ram, &mapping)?;

    for run in 1..=3 {
        // What KVM does not see, the VMM tells.
        mapping.write_at(0x2000, &[run])?;
        kvm.wrote(machine::RAM + 0x2000, 1)?;
        assert_eq!(machine.read(0x2000)?, run);
        machine.write(0x5000, run)?;
        assert_eq!(machine.read(0x5000)?, run);

        let reset = kvm.reset(Mode::Auto)?;
        assert!(mapping.is_zero(0..mapping.len())?);
        println!("run {run}: {}, {} KiB are zero", context.backend(), reset.done >> 10);
    }
    Ok(())
}
