//! The migrations are a part of the programs: a new one must rebuild them.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
