// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! A scratch as the guest memory of vm-memory, in two regions, and its reset.
use std::error::Error;

use fastzero::{ContextOptions, Mode, ScratchOptions};
use vm_memory::{Bytes, GuestAddress, GuestMemory, GuestMemoryMmap};

const LOW: usize = 1 << 20;
const HIGH: usize = 3 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let context = ContextOptions::new().need_fd(true).open()?;
    let ram = context.scratch((LOW + HIGH) as u64, &ScratchOptions::new())?;
    let memory: GuestMemoryMmap = GuestMemoryMmap::from_ranges_with_files([
        (GuestAddress(0), LOW, Some(ram.file_offset(0)?)),
        (GuestAddress(4 << 30), HIGH, Some(ram.file_offset(LOW as u64)?)),
    ])?;
    println!("{}: {} regions", context.backend(), memory.num_regions());

    for address in [GuestAddress(0x1000), GuestAddress((4 << 30) + 0x2000)] {
        memory.write_obj(0x0123_4567_89ab_cdef_u64, address)?;
        assert_ne!(memory.read_obj::<u64>(address)?, 0);
    }
    // vm-memory reads and writes by volatile accesses, so there is no reference either.
    let reset = ram.reset(Mode::Auto)?;
    for address in [GuestAddress(0x1000), GuestAddress((4 << 30) + 0x2000)] {
        assert_eq!(memory.read_obj::<u64>(address)?, 0);
    }
    println!("{} KiB are zero", reset.done >> 10);
    Ok(())
}
