// SPDX-License-Identifier: GPL-2.0-or-later
//! Are the declarations those of the C headers?  A C compiler has to say so.
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::constants::CONSTANTS;
use crate::functions::FUNCTIONS;
use crate::structs::structs;

/// A structure: its fields have a name, an offset and a size.
pub struct Struct {
    pub name: &'static str,
    pub size: usize,
    pub align: usize,
    pub fields: Vec<(&'static str, usize, usize)>,
}

/// A function: its name, the types of its arguments, and what it returns.
pub type Function = (&'static str, &'static [&'static str], &'static str);

const HEADERS: [&str; 4] =
    ["fastzero.h", "fastzero_bitmap.h", "fastzero_doctor.h", "fastzero_kvm.h"];
const KERNEL: &str = "linux/fastzero.h";

fn lib() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lib")
}

fn uapi() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../uapi")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The C type of a Rust type, as `stringify!` has it.
fn c_type(rust: &str) -> String {
    let rust = rust.trim();
    if let Some(to) = rust.strip_prefix("*const ") {
        return format!("{} const *", c_type(to));
    }
    if let Some(to) = rust.strip_prefix("*mut ") {
        return format!("{} *", c_type(to));
    }
    match rust {
        "" | "c_void" => "void",
        "c_char" => "char",
        "c_int" => "int",
        "c_uint" => "unsigned int",
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        "i64" => "int64_t",
        "usize" => "size_t",
        "fastzero_bitmap_fn" | "fastzero_doctor_fn" => rust,
        name if name.starts_with("fastzero_") => return format!("struct {name}"),
        other => panic!("there is no C type for {other}"),
    }
    .to_string()
}

/// A program that does not compile, or prints what is wrong, if something is.
fn program() -> String {
    let mut c = String::new();

    for header in HEADERS {
        writeln!(c, "#include <{header}>").unwrap();
    }
    c.push_str("#include <stdio.h>\n");
    c.push_str(
        "typedef int (*fastzero_doctor_fn)(const struct fastzero_doctor_finding *, void *);\n",
    );
    // Another declaration of the same function has to be the same.
    for (name, args, ret) in FUNCTIONS {
        let args: Vec<_> = args.iter().map(|arg| c_type(arg)).collect();
        let args = if args.is_empty() { "void".to_string() } else { args.join(", ") };

        writeln!(c, "extern {} {name}({args});", c_type(ret)).unwrap();
    }
    c.push_str("static int bad;\n");
    c.push_str("static void is(const char *what, unsigned long long rust, unsigned long long c)\n");
    c.push_str(
        "{ if (rust != c) { bad = 1; printf(\"%s: %llu, in C %llu\\n\", what, rust, c); } }\n",
    );
    c.push_str("int main(void)\n{\n");
    for (name, value) in CONSTANTS {
        writeln!(c, "is(\"{name}\", {value}ull, {name});").unwrap();
    }
    for s in structs() {
        let (name, size, align) = (s.name, s.size, s.align);

        writeln!(c, "is(\"size of {name}\", {size}, sizeof(struct {name}));").unwrap();
        writeln!(c, "is(\"alignment of {name}\", {align}, _Alignof(struct {name}));").unwrap();
        for (field, offset, size) in s.fields {
            writeln!(
                c,
                "is(\"offset of {name}.{field}\", {offset}, offsetof(struct {name}, {field}));"
            )
            .unwrap();
            writeln!(
                c,
                "is(\"size of {name}.{field}\", {size}, sizeof(((struct {name} *)0)->{field}));"
            )
            .unwrap();
        }
    }
    c.push_str("return bad;\n}\n");
    c
}

#[test]
fn declarations_are_those_of_c() {
    let dir = env::temp_dir().join(format!("fastzero-sys-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("abi.c"), program()).unwrap();
    let built = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=gnu11", "-Wall", "-Werror", "-c", "-o", "abi.o", "abi.c", "-I"])
        .arg(lib())
        .arg("-I")
        .arg(uapi())
        .current_dir(&dir)
        .output()
        .expect("no C compiler");
    let linked = built.status.success()
        && Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .args(["-o", "abi", "abi.o"])
            .current_dir(&dir)
            .status()
            .unwrap()
            .success();
    let said = linked.then(|| Command::new(dir.join("abi")).output().unwrap());
    fs::remove_dir_all(&dir).unwrap();
    assert!(linked, "{}", String::from_utf8_lossy(&built.stderr));
    let said = said.unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

fn missing<'a>(have: impl Iterator<Item = &'a str>, want: &BTreeSet<String>) -> Vec<String> {
    let have: BTreeSet<&str> = have.collect();

    want.iter().filter(|name| !have.contains(name.as_str())).cloned().collect()
}

#[test]
fn all_functions_are_declared() {
    let map = read(&lib().join("libfastzero.map"));
    let want: BTreeSet<_> = map
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter(|name| name.starts_with("fastzero_"))
        .map(str::to_string)
        .collect();

    assert!(want.len() > 50);
    assert_eq!(missing(FUNCTIONS.iter().map(|f| f.0), &want), [""; 0]);
}

#[test]
fn all_structs_are_declared() {
    let mut want = BTreeSet::from(["fastzero_info".to_string(), "fastzero_stats".to_string()]);
    for header in HEADERS {
        for line in read(&lib().join(header)).lines() {
            if let Some(name) = line.strip_prefix("struct ").and_then(|s| s.strip_suffix(" {")) {
                want.insert(name.to_string());
            }
        }
    }
    let have = structs();

    assert!(want.len() > 15);
    assert_eq!(missing(have.iter().map(|s| s.name), &want), [""; 0]);
}

/// Names in enumerations, and of macros that are numbers.
fn constants_of(header: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_string()
    };

    header
        .lines()
        .filter_map(|line| {
            let value = line.strip_prefix("#define ");
            let number = value.and_then(|v| v.split_whitespace().nth(1));
            match value {
                Some(text)
                    if number.map_or(false, |n| n.starts_with(|c: char| c.is_ascii_digit())) =>
                {
                    Some(name(text))
                }
                Some(_) => None,
                None => line.strip_prefix('\t').filter(|l| l.starts_with("FASTZERO_")).map(name),
            }
        })
        .filter(|name| name.starts_with("FASTZERO_"))
        // Those of the ioctls.
        .filter(|name| !name.starts_with("FASTZERO_CMD_") && !name.starts_with("FASTZERO_WORKSET_"))
        .filter(|name| name != "FASTZERO_TYPE")
        .collect()
}

#[test]
fn all_constants_are_declared() {
    let mut want = constants_of(&read(&uapi().join(KERNEL)));
    for header in HEADERS {
        want.append(&mut constants_of(&read(&lib().join(header))));
    }

    assert!(want.len() > 40);
    assert_eq!(missing(CONSTANTS.iter().map(|c| c.0), &want), [""; 0]);
}

#[test]
fn the_version_is_that_of_the_library() {
    let header = read(&lib().join("fastzero.h"));
    let line = header.lines().find(|line| line.starts_with("#define FASTZERO_LIB_VERSION"));

    assert_eq!(line.unwrap().split('"').nth(1), Some(env!("CARGO_PKG_VERSION")));
}
