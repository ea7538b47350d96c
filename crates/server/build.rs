//! Embeds the SDK and the pages anew when they change.

fn main() {
    println!("cargo:rerun-if-changed=../../dist/assets");
    println!("cargo:rerun-if-changed=../../www");
    println!("cargo:rerun-if-changed=../../docs");
    println!("cargo:rerun-if-changed=../../deploy");
}
