// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Finds libfastzero: the static one in `FASTZERO_LIB_DIR`, else the one that pkg-config knows.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=FASTZERO_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Some(dir) = env::var_os("FASTZERO_LIB_DIR") {
        let dir = dir.to_str().expect("FASTZERO_LIB_DIR is not UTF-8");
        println!("cargo:rerun-if-changed={dir}/libfastzero.a");
        println!("cargo:rustc-link-search=native={dir}");
        println!("cargo:rustc-link-lib=static=fastzero");
        return;
    }
    let said = Command::new("pkg-config")
        .args(["--libs", concat!("fastzero >= ", env!("CARGO_PKG_VERSION"))])
        .output()
        .expect("cannot run pkg-config; or set FASTZERO_LIB_DIR to where libfastzero.a is");
    assert!(
        said.status.success(),
        "libfastzero is not installed, and FASTZERO_LIB_DIR is not set: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    for word in String::from_utf8_lossy(&said.stdout).split_whitespace() {
        if let Some(dir) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={dir}");
        } else if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        }
    }
}
