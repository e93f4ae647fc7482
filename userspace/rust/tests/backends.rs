// SPDX-License-Identifier: GPL-2.0-or-later
//! The crate on each backend that works here.
//!
//!     backends [BACKEND]...
//!
//! Prints TAP, with a test for each backend and subject.  A backend that does not work is skipped
//! with its reason; one that is named has to work.
use std::env;
use std::error::Error;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{self, AssertUnwindSafe};
use std::process::{exit, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::{fs, io, ptr, thread};

use fastzero::bitmap::{self, Walk};
use fastzero::kvm::{Kvm, Tracking};
use fastzero::*;

#[path = "../examples/machine/mod.rs"]
mod machine;

const PAGE: usize = 4096;
const PAGES: usize = 16;
const LENGTH: usize = PAGES * PAGE;

type Checked = std::result::Result<(), Box<dyn Error>>;
type Check = fn(&Here) -> Checked;
type CheckAlone = fn() -> Checked;

struct Here {
    backend: Backend,
    context: Context,
    scratch: Scratch,
    mapping: Mapping,
}

impl Here {
    fn new(backend: Backend) -> Result<Self> {
        let context = ContextOptions::new().backend(backend).open()?;
        let scratch = context.scratch(LENGTH as u64, &ScratchOptions::new())?;
        let mapping = scratch.map(&MapOptions::new())?;

        Ok(Here { backend, context, scratch, mapping })
    }

    fn is_device(&self) -> bool {
        self.backend == Backend::Device
    }

    fn has_fd(&self) -> bool {
        self.is_device() || self.backend == Backend::Memfd
    }

    fn fill(&self) {
        self.mapping.write_at(0, &[0xa5; LENGTH]).unwrap();
    }

    /// Which pages are not all zero, as bits; the others must be as fill() left them.
    fn written(&self) -> u64 {
        let mut bytes = vec![0; LENGTH];

        self.mapping.read_at(0, &mut bytes).unwrap();
        (0..PAGES).fold(0, |bits, page| {
            let bytes = &bytes[page * PAGE..(page + 1) * PAGE];
            let set = bytes.iter().any(|&b| b != 0);

            assert!(!set || bytes.iter().all(|&b| b == 0xa5));
            bits | u64::from(set) << page
        })
    }
}

const ALL: u64 = (1 << PAGES) - 1;

fn pages(range: std::ops::Range<usize>) -> std::ops::Range<u64> {
    (range.start * PAGE) as u64..(range.end * PAGE) as u64
}

fn errno<T>(result: Result<T>) -> i32 {
    result.map_or_else(|error| error.errno(), |_| 0)
}

fn open(here: &Here) -> Checked {
    let name = here.backend.to_string();

    assert_eq!(name.parse(), Ok(here.backend));
    assert_eq!(here.context.backend(), here.backend);
    assert_eq!(here.scratch.backend(), here.backend);
    // No other was tried.
    assert_eq!(here.context.backend_why(), "");
    let need = ContextOptions::new().backend(here.backend).need_fd(true).open();
    assert_eq!(errno(need), if here.has_fd() { 0 } else { libc::EINVAL });
    let odd = ContextOptions::new().backend(here.backend).path("/dev/null").open();
    assert_eq!(errno(odd), if here.is_device() { libc::ENOTTY } else { libc::EINVAL });
    let any = Context::open()?;
    let why = any.backend_why();
    let better = Backend::ALL.iter().take_while(|&&b| b != any.backend());
    assert_eq!(why.lines().count(), better.clone().count());
    for (line, backend) in why.lines().zip(better) {
        assert!(line.starts_with(&format!("{backend}: ")), "{line}");
    }
    Ok(())
}

fn names() -> Checked {
    for mode in Mode::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert_eq!(errno("sideways".parse::<Mode>()), libc::EINVAL);
    assert_eq!(errno("any".parse::<Backend>()), libc::EINVAL);
    assert_eq!(errno("a\0b".parse::<Backend>()), libc::EINVAL);
    assert_eq!(Backend::Other(77).to_string(), "backend 77");
    let have = Features::ZERO | Features::IDLE;
    assert!(have.contains(Features::IDLE) && !have.contains(Features::NODE | Features::IDLE));
    assert_eq!(version(), env!("CARGO_PKG_VERSION"));
    Ok(())
}

fn info(here: &Here) -> Checked {
    let info = here.context.info()?;

    assert_eq!(info.page_size as usize, PAGE);
    assert!(info.max_length >= LENGTH as u64 && info.max_scratches > 0);
    assert!(info.has_mode(Mode::Auto) && info.has_mode(Mode::Drop));
    assert!(info.features.contains(Features::RESET_DIRTY | Features::IDLE));
    assert_eq!(info.features.contains(Features::ZERO), here.is_device());
    assert_eq!(info.has_order(0), here.is_device());
    assert!(!info.has_order(77));
    Ok(())
}

fn create(here: &Here) -> Checked {
    let make = |length, options| errno(here.context.scratch(length, &options));
    let new = ScratchOptions::new;
    let device = |errno| if here.is_device() { errno } else { libc::EOPNOTSUPP };

    assert_eq!(make(1, new()), libc::EINVAL);
    assert_eq!(make(0, new()), libc::EINVAL);
    assert_eq!(make(4096, new().name("a\0b")), libc::EINVAL);
    assert_eq!(make(4096, new().name(&"n".repeat(300))), libc::EINVAL);
    assert_eq!(make(4096, new().name("n").pages(Pages::Base)), 0);
    assert_eq!(make(4096, new().zeropage(true)), device(0));
    assert_eq!(make(4096, new().zeropage(true).zeropage(false)), 0);
    assert_eq!(make(4096, new().total_cpu(true)), device(0));
    assert_eq!(make(4096, new().node(0)), device(0));
    assert_eq!(make(4096, new().node(4711)), device(libc::EINVAL));
    if !here.is_device() {
        assert_eq!(make(2 << 20, new().pages(Pages::Huge)), libc::EOPNOTSUPP);
    }
    Ok(())
}

fn modes(here: &Here) -> Checked {
    let info = here.context.info()?;

    for mode in Mode::ALL {
        here.fill();
        if !info.has_mode(mode) {
            assert_eq!(errno(here.scratch.reset(mode)), libc::EOPNOTSUPP);
            assert_eq!(here.written(), ALL);
            continue;
        }
        assert_eq!(here.scratch.reset(mode)?.done, LENGTH as u64);
        assert_eq!(here.written(), 0);
        assert!(here.mapping.is_zero(0..LENGTH)?);
    }
    Ok(())
}

fn ranges(here: &Here) -> Checked {
    here.fill();
    let reset = here.scratch.reset_range(pages(3..5), Mode::Auto)?;
    assert_eq!(reset.done, 2 * PAGE as u64);
    assert_eq!(here.written(), ALL & !0b11000);
    let fails = |range| errno(here.scratch.reset_range(range, Mode::Auto));
    assert_eq!(fails(1..4096), libc::EINVAL);
    assert_eq!(fails(0..0), libc::EINVAL);
    #[allow(clippy::reversed_empty_ranges)]
    let backwards = 8192..4096;
    assert_eq!(fails(backwards), libc::EINVAL);
    assert_eq!(fails(pages(0..PAGES + 1)), libc::EINVAL);
    assert_eq!(here.written(), ALL & !0b11000);
    assert!(!here.mapping.is_zero(0..LENGTH)? && here.mapping.is_zero(3 * PAGE..5 * PAGE)?);
    Ok(())
}

fn dirty(here: &Here) -> Checked {
    let reset = |bits: &[u64], options| here.scratch.reset_dirty(bits, &options);

    here.fill();
    assert_eq!(reset(&[0b101, u64::MAX], DirtyOptions::new())?.done, LENGTH as u64);
    assert_eq!(here.written(), ALL & !0b101);
    // From page 2 on, in granules of two pages, of which the last is cut.
    let odd = DirtyOptions::new().range(pages(2..7)).granule_shift(13).mode(Mode::Drop);
    here.fill();
    reset(&[0b101], odd.clone())?;
    assert_eq!(here.written(), ALL & !0b1001100);
    assert_eq!(errno(reset(&[], odd.clone())), libc::EINVAL);
    assert_eq!(errno(reset(&[0], odd.clone().range(0..0))), libc::EINVAL);
    assert_eq!(errno(reset(&[0], odd.granule_shift(11))), libc::EINVAL);
    Ok(())
}

/// Copies at every place in a word, beside bytes that have to stay.
fn accessors(here: &Here) -> Checked {
    let mapping = &here.mapping;
    let pattern: Vec<u8> = (1..=40).collect();

    assert_eq!(mapping.len(), LENGTH);
    assert_eq!(mapping.range(), 0..LENGTH as u64);
    for offset in (0..9).chain(LENGTH - 40..=LENGTH - 24) {
        for length in 0..=24 {
            // A window around it.
            let begin = offset.saturating_sub(16).min(LENGTH - 96);
            let mut all = [0xa5; 96];
            mapping.write_at(begin, &all)?;
            mapping.write_at(offset, &pattern[..length])?;
            mapping.read_at(begin, &mut all)?;
            let (before, after) = all.split_at(offset - begin);
            assert!(before.iter().chain(&after[length..]).all(|&b| b == 0xa5));
            assert_eq!(after[..length], pattern[..length]);
            let mut part = vec![0; length];
            mapping.read_at(offset, &mut part)?;
            assert_eq!(part, pattern[..length]);
        }
    }
    let einval = |offset, length| {
        assert_eq!(errno(mapping.read_at(offset, &mut vec![0; length])), libc::EINVAL);
        assert_eq!(errno(mapping.write_at(offset, &vec![0; length])), libc::EINVAL);
    };
    einval(LENGTH, 1);
    einval(LENGTH + 1, 0);
    einval(usize::MAX, 2);
    einval(0, LENGTH + 1);
    assert_eq!(errno(mapping.is_zero(1..LENGTH + 1)), libc::EINVAL);
    mapping.read_at(LENGTH, &mut [])?;
    // One byte that is not zero is found.
    here.scratch.reset(Mode::Auto)?;
    for offset in [0, 7, PAGE - 1, PAGE, LENGTH - 1] {
        mapping.write_at(offset, &[1])?;
        assert!(!mapping.is_zero(0..LENGTH)?);
        assert!(mapping.is_zero(0..offset)? && mapping.is_zero(offset + 1..LENGTH)?);
        mapping.write_at(offset, &[0])?;
    }
    Ok(())
}

/// The rights of a page, as /proc says them; None if nothing is mapped there.
fn rights(address: *const u8) -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();

    maps.lines().find_map(|line| {
        let (begin, rest) = line.split_once('-')?;
        let (end, rest) = rest.split_once(' ')?;
        let is_in = (usize::from_str_radix(begin, 16).ok()?
            ..usize::from_str_radix(end, 16).ok()?)
            .contains(&(address as usize));

        is_in.then(|| rest[..3].to_string())
    })
}

fn placement(here: &Here) -> Checked {
    let other = here.context.scratch(LENGTH as u64, &ScratchOptions::new())?;
    let map = |options: &MapOptions| other.map(options);

    // Between guards, which go with it.
    let guarded = map(&MapOptions::new().range(pages(2..4)).guard(2 * PAGE as u64))?;
    let begin = guarded.as_ptr();
    let at = |pages: isize| begin.wrapping_offset(pages * PAGE as isize);
    assert_eq!((guarded.len(), guarded.guard()), (2 * PAGE, 2 * PAGE));
    assert_eq!(guarded.range(), pages(2..4));
    for page in [-2, -1, 2, 3] {
        assert_eq!(rights(at(page)).as_deref(), Some("---"));
    }
    assert_eq!(rights(begin).as_deref(), Some("rw-"));
    guarded.write_at(0, &[1; PAGE])?;
    other.reset_range(pages(2..3), Mode::Auto)?;
    assert!(guarded.is_zero(0..PAGE)?);
    guarded.unmap()?;
    assert!((-2..4).all(|page| rights(at(page)).is_none()));

    // There, as it is free now; then it is not.
    let there = map(&MapOptions::new().range(pages(0..2)).at(begin))?;
    assert_eq!(there.as_ptr(), begin);
    let again = MapOptions::new().range(pages(4..6)).at(begin);
    assert_eq!(errno(map(&again)), libc::EEXIST);
    assert_eq!(errno(map(&again.clone().guard(4096))), libc::EINVAL);
    let near = map(&again.near(begin))?;
    assert_ne!(near.as_ptr(), begin);
    drop(there);
    assert_eq!(rights(begin), None);

    // In the place of what is there.
    // SAFETY: the addresses are new.
    let reserved = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        libc::mmap(ptr::null_mut(), 2 * PAGE, libc::PROT_NONE, flags, -1, 0)
    };
    assert_ne!(reserved, libc::MAP_FAILED);
    // SAFETY: they are reserved, and not used.
    let replace = unsafe { MapOptions::new().range(pages(8..10)).replace(reserved.cast()) };
    let placed = map(&replace)?;
    assert_eq!(placed.as_ptr(), reserved.cast());
    placed.write_at(1, &[1])?;

    let fails = |options: MapOptions| errno(map(&options));
    assert_eq!(fails(MapOptions::new().range(0..0)), libc::EINVAL);
    assert_eq!(fails(MapOptions::new().range(1..4096)), libc::EINVAL);
    assert_eq!(fails(MapOptions::new().range(pages(0..PAGES + 1))), libc::EINVAL);
    assert_eq!(fails(MapOptions::new().at(ptr::null_mut())), libc::EINVAL);
    // Of pages that are mapped.
    let twice = here.scratch.map(&MapOptions::new());
    if here.has_fd() {
        twice?.write_at(5, &[7])?;
        assert!(!here.mapping.is_zero(5..6)?);
    } else {
        assert_eq!(errno(twice), libc::EOPNOTSUPP);
    }
    Ok(())
}

fn rights_of_mappings(here: &Here) -> Checked {
    let other = here.context.scratch(LENGTH as u64, &ScratchOptions::new())?;
    let only = other.map(&MapOptions::new().range(pages(0..1)).access(Access::ReadOnly))?;
    let none = other.map(&MapOptions::new().range(pages(1..2)).access(Access::None))?;

    assert_eq!((only.access(), none.access()), (Access::ReadOnly, Access::None));
    assert_eq!(rights(only.as_ptr()).as_deref(), Some("r--"));
    assert_eq!(rights(none.as_ptr()).as_deref(), Some("---"));
    assert!(only.is_zero(0..PAGE)?);
    assert_eq!(errno(only.write_at(0, &[1])), libc::EACCES);
    assert_eq!(errno(none.write_at(0, &[1])), libc::EACCES);
    assert_eq!(errno(none.read_at(0, &mut [0])), libc::EACCES);
    assert_eq!(errno(none.is_zero(0..1)), libc::EACCES);
    other.reset(Mode::Auto)?;
    Ok(())
}

/// Any number of threads use the handles at once.
fn threads(here: &Here) -> Checked {
    let stop = AtomicBool::new(false);

    thread::scope(|scope| {
        for n in 0..3 {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    here.mapping.write_at(n * PAGE + 3, &[1; PAGE]).unwrap();
                    here.mapping.read_at(PAGE, &mut [0; 100]).unwrap();
                    here.scratch.stats().unwrap();
                }
            });
        }
        for _ in 0..20 {
            here.scratch.reset(Mode::Auto).unwrap();
            let more = here.context.scratch(4096, &ScratchOptions::new()).unwrap();
            drop(more.map(&MapOptions::new()).unwrap());
        }
        stop.store(true, Ordering::Relaxed);
    });
    here.scratch.reset(Mode::Auto)?;
    assert!(here.mapping.is_zero(0..LENGTH)?);
    Ok(())
}

fn many(here: &Here) -> Checked {
    let other = here.context.scratch(LENGTH as u64, &ScratchOptions::new())?;
    let mapping = other.map(&MapOptions::new())?;

    here.fill();
    mapping.write_at(9, &[9])?;
    assert_eq!(here.context.reset_scratches(&[&here.scratch, &other], Mode::Auto)?.done, 2);
    assert!(here.mapping.is_zero(0..LENGTH)? && mapping.is_zero(0..LENGTH)?);
    assert_eq!(errno(here.context.reset_scratches(&[], Mode::Auto)), libc::EINVAL);
    if !here.has_fd() {
        assert_eq!(errno(here.context.reset_many(&[], Mode::Auto)), libc::EOPNOTSUPP);
        return Ok(());
    }
    here.fill();
    let no_scratch = fs::File::open("/dev/null")?;
    let fds = [here.scratch.fd()?, std::os::unix::io::AsFd::as_fd(&no_scratch)];
    let error = here.context.reset_many(&fds, Mode::Drop).unwrap_err();
    assert_eq!(error.done(), 1);
    assert!([libc::EINVAL, libc::EBADF].contains(&error.errno()), "{error}");
    assert_eq!(here.written(), 0);
    Ok(())
}

fn idle_and_stats(here: &Here) -> Checked {
    let before = here.scratch.stats()?;

    assert_eq!((before.scratches, before.length), (1, LENGTH as u64));
    here.fill();
    assert_eq!(here.scratch.stats()?.populated, PAGES as u64);
    here.scratch.reset(Mode::Drop)?;
    let idle = here.scratch.reset_idle()?;
    assert_eq!((idle.done, idle.cleared + idle.dropped), (LENGTH as u64, 0));
    assert_eq!(here.scratch.stats()?.resets, before.resets + 2);
    let all = here.context.stats()?;
    assert!(all.scratches == 1 && all.resets >= 2);
    Ok(())
}

fn populate(here: &Here) -> Checked {
    let populated = here.scratch.populate(pages(0..4))?;

    assert_eq!((populated.done, populated.added), (4 * PAGE as u64, 4));
    assert_eq!(here.scratch.populate(pages(0..5))?.added, 1);
    assert_eq!(errno(here.scratch.populate(0..0)), libc::EINVAL);
    Ok(())
}

fn working_sets(here: &Here) -> Checked {
    let scratch = &here.scratch;

    if !here.is_device() {
        assert_eq!(errno(scratch.working_set()), libc::EOPNOTSUPP);
        assert_eq!(errno(scratch.clear_working_set()), libc::EOPNOTSUPP);
        assert_eq!(errno(scratch.populate_working_set(pages(0..4))), libc::EOPNOTSUPP);
        return Ok(());
    }
    let path = env::temp_dir().join(format!("fastzero-workset-{}", std::process::id()));
    here.mapping.write_at(3 * PAGE, &[1])?;
    here.mapping.write_at(7 * PAGE, &[1])?;
    let set = scratch.working_set()?;
    assert!(!set.is_empty());
    scratch.save_working_set(&path)?;
    scratch.clear_working_set()?;
    assert_ne!(scratch.working_set()?, set);
    scratch.set_working_set(&set)?;
    assert_eq!(scratch.working_set()?, set);
    scratch.clear_working_set()?;
    scratch.load_working_set(&path)?;
    fs::remove_file(&path)?;
    assert_eq!(scratch.working_set()?, set);
    scratch.reset(Mode::Drop)?;
    assert_eq!(scratch.populate_working_set(pages(0..PAGES))?.added, 2);
    assert_eq!(errno(scratch.set_working_set(b"no set")), libc::EINVAL);
    assert_eq!(errno(scratch.load_working_set(&path)), libc::ENOENT);
    Ok(())
}

fn pools(here: &Here) -> Checked {
    let context = &here.context;

    if !here.is_device() {
        assert_eq!(errno(context.set_pool(&Pool::new(8))), libc::EOPNOTSUPP);
        assert_eq!(errno(context.set_pool(&Pool::new(8).node(0))), libc::EOPNOTSUPP);
        assert_eq!(errno(context.zero_once()), libc::EOPNOTSUPP);
        assert_eq!(errno(context.zero_start()), libc::EOPNOTSUPP);
        assert_eq!(errno(context.zero_stop()), libc::EOPNOTSUPP);
        return Ok(());
    }
    assert!(context.set_pool(&Pool::new(32).wait(true))?.ready >= 32);
    assert_eq!(context.stats()?.pool_target, 32);
    assert_eq!(errno(context.set_pool(&Pool::new(1).order(63))), libc::EOPNOTSUPP);
    assert_eq!(errno(context.set_pool(&Pool::new(1).node(4711))), libc::EINVAL);
    context.set_pool(&Pool::new(0))?;
    context.zero_once()?;
    context.zero(Some(std::time::Duration::from_micros(1)))?;
    if context.info()?.features.contains(Features::THREAD) {
        context.zero_start()?;
        assert_eq!(errno(context.zero_start()), libc::EBUSY);
    }
    context.zero_stop()?;
    Ok(())
}

fn descriptors(here: &Here) -> Checked {
    let scratch = &here.scratch;

    assert_eq!(errno(here.context.fd()), if here.is_device() { 0 } else { libc::EOPNOTSUPP });
    if here.is_device() {
        let adopted = Context::from_fd(here.context.fd()?.try_clone_to_owned()?)?;
        assert_eq!(adopted.backend(), Backend::Device);
    }
    let null = || OwnedFd::from(fs::File::open("/dev/null").unwrap());
    assert_eq!(errno(Context::from_fd(null())), libc::ENOTTY);
    assert_eq!(errno(Scratch::from_fd(null())), libc::ENOTTY);
    if !here.has_fd() {
        assert_eq!(errno(scratch.fd()), libc::EOPNOTSUPP);
        assert_eq!(errno(scratch.try_clone_fd()), libc::EOPNOTSUPP);
        let (one, _two) = UnixStream::pair()?;
        assert_eq!(errno(scratch.send(&one)), libc::EOPNOTSUPP);
        return Ok(());
    }
    let fd = scratch.fd()?.as_raw_fd();
    let adopted = Scratch::from_fd(scratch.try_clone_fd()?)?;
    assert_eq!((adopted.len(), adopted.backend()), (LENGTH as u64, here.backend));
    here.fill();
    adopted.reset(Mode::Auto)?;
    assert_eq!(here.written(), 0);
    // Each closes its own.
    let theirs = adopted.fd()?.as_raw_fd();
    assert_ne!(theirs, fd);
    drop(adopted);
    assert!(fs::read_link(format!("/proc/self/fd/{fd}")).is_ok());
    Ok(())
}

/// This program again, which takes a scratch, writes to it, and says so.
fn child() -> Checked {
    // SAFETY: the parent has made it a socket, and nobody else uses it.
    let socket = unsafe { UnixStream::from_raw_fd(0) };
    let scratch = Scratch::recv(&socket)?;
    let mapping = scratch.map(&MapOptions::new())?;

    assert!(mapping.is_zero(PAGE..LENGTH)?);
    assert!(!mapping.is_zero(0..PAGE)?);
    scratch.reset(Mode::Auto)?;
    mapping.write_at(LENGTH - 5, b"child")?;
    Ok(())
}

fn passing(here: &Here) -> Checked {
    let (ours, theirs) = UnixStream::pair()?;

    if !here.has_fd() {
        drop(theirs);
        return Ok(());
    }
    here.mapping.write_at(0, &[1; 4096])?;
    let mut child = Command::new(env::current_exe()?)
        .arg("--child")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    here.scratch.send(&ours)?;
    assert!(child.wait()?.success());
    let mut said = [0; 5];
    here.mapping.read_at(LENGTH - 5, &mut said)?;
    assert_eq!(&said, b"child");
    assert!(here.mapping.is_zero(0..LENGTH - 5)?);
    // Nobody is there any more.
    assert_eq!(errno(Scratch::recv(&ours)), libc::ECONNRESET);
    here.scratch.reset(Mode::Auto)?;
    assert!(here.mapping.is_zero(0..LENGTH)?);
    Ok(())
}

/// Handles and mappings go in any order.
fn life(here: &Here) -> Checked {
    let context = ContextOptions::new().backend(here.backend).open()?;
    let scratch = context.scratch(LENGTH as u64, &ScratchOptions::new())?;
    let mapping = scratch.map(&MapOptions::new().guard(4096))?;
    let address = mapping.as_ptr();

    drop(context);
    mapping.write_at(100, &[1])?;
    scratch.reset(Mode::Auto)?;
    assert!(mapping.is_zero(0..LENGTH)?);
    mapping.write_at(100, &[2])?;
    drop(scratch);
    assert!(!mapping.is_zero(0..LENGTH)?);
    assert_eq!(rights(address).as_deref(), Some("rw-"));
    drop(mapping);
    assert_eq!(rights(address), None);
    Ok(())
}

fn errors(here: &Here) -> Checked {
    let error = here.scratch.reset_range(1..2, Mode::Auto).unwrap_err();
    let words = error.to_string();

    assert!(words.starts_with("EINVAL (22): "), "{words}");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let io = io::Error::from(error.clone());
    assert_eq!((io.kind(), io.to_string()), (error.kind(), words));
    let inner = io.get_ref().and_then(|inner| inner.downcast_ref::<fastzero::Error>());
    assert_eq!(inner, Some(&error));
    Ok(())
}

fn sharing() -> Checked {
    fn both<T: Send + Sync>() {}

    both::<Context>();
    both::<Scratch>();
    both::<Mapping>();
    both::<Kvm>();
    both::<fastzero::Error>();
    Ok(())
}

fn walks() -> Checked {
    let mut seed = 15u64;
    let mut random = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed >> 33
    };

    for round in 0..40 {
        let words = (random() % 1200 + 1) as usize;
        // Dense and sparse ones.
        let mut bits = || -> Vec<u64> {
            let bit = |r: u64| if r % (1 << (round % 8)) == 0 { r << 20 ^ r } else { 0 };
            (0..words).map(|_| bit(random())).collect()
        };
        let (a, b) = (bits(), bits());
        let nbits = words as u64 * 64 - random() % 64;
        let set = |n: u64| (a[n as usize / 64] | b[n as usize / 64]) >> (n % 64) & 1 != 0;
        let mut want = Vec::new();
        for n in (0..nbits).filter(|&n| set(n)) {
            match want.last_mut() {
                Some(std::ops::Range { end, .. }) if *end == n => *end += 1,
                _ => want.push(n..n + 1),
            }
        }
        let walk = Walk::new(&a).or(&b).bits(nbits);
        assert!(walk.iter().eq(want.iter().cloned()));
        let mut summary = vec![0; words / bitmap::BLOCK as usize + 1];
        bitmap::summarize(&a, &mut summary);
        bitmap::summarize(&b, &mut summary);
        assert!(walk.summary(&summary).into_iter().eq(want));
    }
    assert!(Walk::new(&[]).iter().next().is_none());
    for (bits, other) in [(65, 1), (64, 0)] {
        let (one, other) = ([1], vec![1; other]);
        let short = || Walk::new(&one).or(&other).bits(bits).iter().count();
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| ()));
        let caught = panic::catch_unwind(short);
        panic::set_hook(hook);
        assert!(caught.is_err());
    }
    bitmap::use_isa(Some("c"))?;
    assert_eq!(bitmap::isa(), "c");
    assert_eq!(Walk::new(&[6]).iter().collect::<Vec<_>>(), [1..3]);
    bitmap::use_isa(None)?;
    assert_eq!(errno(bitmap::use_isa(Some("sse9"))), libc::EINVAL);
    Ok(())
}

fn doctor() -> Checked {
    // Nothing is there, so some check fails, and says what helps.
    let findings = doctor::Options::new().root("/nonexistent").pool_bytes(1).check()?;

    assert!(findings.len() > 10);
    assert!(findings.iter().enumerate().all(|(n, f)| f.id == format!("FZ{:03}", n + 1)));
    let bad =
        |f: &&doctor::Finding| matches!(f.status, doctor::Status::Fail | doctor::Status::Warn);
    assert!(findings.iter().any(|f| bad(&f)));
    assert!(findings.iter().all(|f| bad(&f) != f.remedy.is_empty() && !f.text.is_empty()));
    Ok(())
}

fn with_guest(here: &Here, tracking: Tracking) -> Checked {
    let scratch = Arc::new(here.context.scratch(LENGTH as u64, &ScratchOptions::new())?);
    let mapping = Arc::new(scratch.map(&MapOptions::new())?);
    let mut machine = machine::Machine::new()?;
    let mut kvm = Kvm::new(machine.vm(), tracking)?;

    kvm.vcpu(machine.add_vcpu()?)?;
    let other = Arc::new(here.context.scratch(LENGTH as u64, &ScratchOptions::new())?);
    assert_eq!(errno(kvm.attach(1, machine::RAM, &other, &mapping)), libc::EINVAL);
    kvm.attach(1, machine::RAM, &scratch, &mapping)?;
    assert_eq!(errno(kvm.attach(1, machine::RAM, &scratch, &mapping)), libc::EEXIST);
    for round in 1..4 {
        assert_eq!(machine.write(0x3001, round)?, machine::EXIT_HLT);
        assert_eq!(machine.write(0xffff, round)?, machine::EXIT_HLT);
        mapping.write_at(5 * PAGE, &[round])?;
        kvm.wrote(machine::RAM + 5 * PAGE as u64, 1)?;
        assert_eq!(machine.read(5 * PAGE as u16)?, round);
        assert!(!mapping.is_zero(0x3001..0x3002)? && !mapping.is_zero(0xffff..0x10000)?);
        kvm.collect()?;
        assert_eq!(kvm.reset(Mode::Auto)?.done, LENGTH as u64);
        assert!(mapping.is_zero(0..LENGTH)?);
        assert_eq!(machine.read(0x3001)?, 0);
        kvm.reset(Mode::Auto)?;
    }
    assert_eq!(errno(kvm.wrote(0, 1)), libc::EFAULT);
    // One resets, others tell.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for page in (0..PAGES as u64).cycle().take(2000) {
                    kvm.wrote(machine::RAM + page * PAGE as u64, 1).unwrap();
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20 {
                    kvm.reset(Mode::Auto).unwrap();
                }
            });
        }
    });
    assert_eq!(errno(kvm.detach(9)), libc::ENOENT);
    kvm.detach(1)?;
    assert_eq!(errno(kvm.wrote(machine::RAM, 1)), libc::EFAULT);
    kvm.attach(2, machine::RAM, &scratch, &mapping)?;
    assert_eq!(machine.write(0, 1)?, machine::EXIT_HLT);
    // The memory lives as long as the guest has it, and then the guest has none.
    let (address, left) = (mapping.as_ptr(), Arc::downgrade(&mapping));
    drop((scratch, mapping));
    assert_eq!(machine.write(1, 1)?, machine::EXIT_HLT);
    assert!(left.upgrade().is_some());
    drop(kvm);
    assert!(left.upgrade().is_none());
    assert_eq!(rights(address), None);
    assert_eq!(machine.write(1, 1)?, machine::EXIT_MMIO);
    Ok(())
}

fn kvm_log(here: &Here) -> Checked {
    with_guest(here, Tracking::Log)
}

fn kvm_manual(here: &Here) -> Checked {
    with_guest(here, Tracking::ManualLog)
}

fn kvm_ring(here: &Here) -> Checked {
    with_guest(here, Tracking::Ring(0))
}

#[cfg(feature = "vm-memory")]
fn vm_memory(here: &Here) -> Checked {
    use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

    if !here.has_fd() {
        assert_eq!(errno(here.scratch.file_offset(0)), libc::EOPNOTSUPP);
        return Ok(());
    }
    let half = LENGTH / 2;
    let memory: GuestMemoryMmap = GuestMemoryMmap::from_ranges_with_files([
        (GuestAddress(0), half, Some(here.scratch.file_offset(0)?)),
        (GuestAddress(1 << 32), half, Some(here.scratch.file_offset(half as u64)?)),
    ])?;
    memory.write_slice(&[0xa5; LENGTH / 2], GuestAddress(0))?;
    memory.write_slice(&[0xa5; LENGTH / 2], GuestAddress(1 << 32))?;
    assert_eq!(here.written(), ALL);
    here.scratch.reset(Mode::Auto)?;
    let mut bytes = vec![1; half];
    for address in [0, 1 << 32] {
        memory.read_slice(&mut bytes, GuestAddress(address))?;
        assert!(bytes.iter().all(|&b| b == 0));
    }
    Ok(())
}

/// What has no backend.
const ALONE: &[(&str, CheckAlone)] =
    &[("names", names), ("sharing", sharing), ("walks", walks), ("doctor", doctor)];

const SUBJECTS: &[(&str, Check)] = &[
    ("open", open),
    ("info", info),
    ("create", create),
    ("modes", modes),
    ("ranges", ranges),
    ("dirty", dirty),
    ("accessors", accessors),
    ("placement", placement),
    ("rights", rights_of_mappings),
    ("threads", threads),
    ("many", many),
    ("idle_and_stats", idle_and_stats),
    ("populate", populate),
    ("working_sets", working_sets),
    ("pools", pools),
    ("descriptors", descriptors),
    ("passing", passing),
    ("life", life),
    ("errors", errors),
    ("kvm_log", kvm_log),
    ("kvm_manual", kvm_manual),
    ("kvm_ring", kvm_ring),
    #[cfg(feature = "vm-memory")]
    ("vm_memory", vm_memory),
];

#[derive(Default)]
struct Tap {
    number: u32,
    bad: u32,
}

impl Tap {
    fn say(&mut self, ok: bool, what: &str, skip: Option<&str>) {
        self.number += 1;
        self.bad += u32::from(!ok);
        let (not, number) = (if ok { "" } else { "not " }, self.number);
        let skip = skip.map(|why| format!(" # SKIP {why}")).unwrap_or_default();

        println!("{not}ok {number} {what}{skip}");
    }

    fn run(&mut self, backend: Backend, must: bool) {
        if let Err(error) = ContextOptions::new().backend(backend).open() {
            return self.say(!must, &format!("{backend}.all"), Some(&error.to_string()));
        }
        for (subject, check) in SUBJECTS {
            let what = format!("{backend}.{subject}");

            // Not the machine's own KVM.
            if subject.starts_with("kvm_") && env::var_os("FASTZERO_VM").is_none() {
                self.say(true, &what, Some("only in the test VM"));
                continue;
            }
            let run = || Here::new(backend).map_err(Box::from).and_then(|here| check(&here));
            self.check(&what, run);
        }
    }

    fn check(&mut self, what: &str, run: impl FnOnce() -> Checked) {
        let ok = match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                println!("# {error}");
                false
            }
            // The hook has said why.
            Err(_) => false,
        };

        self.say(ok, what, None);
    }
}

fn main() {
    let named: Vec<_> = env::args().skip(1).collect();

    if named == ["--child"] {
        if let Err(error) = child() {
            println!("# child: {error}");
            exit(1);
        }
        return;
    }
    env::remove_var("FASTZERO_BACKEND");
    panic::set_hook(Box::new(|info| println!("# {}", info.to_string().replace('\n', "\n# "))));
    let mut tap = Tap::default();
    println!("TAP version 13");
    for (subject, check) in ALONE {
        tap.check(subject, check);
    }
    for backend in Backend::ALL {
        if named.is_empty() || named.contains(&backend.to_string()) {
            tap.run(backend, !named.is_empty());
        }
    }
    println!("1..{}", tap.number);
    exit(i32::from(tap.bad != 0));
}
