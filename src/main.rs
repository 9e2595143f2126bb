//! xenline.
fn main() {}
