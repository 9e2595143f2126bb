//! The commented example says that it shows the defaults. It does.

use std::path::Path;

use xenline::config::{Config, load, validate};

#[test]
fn the_example_configuration_holds_every_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/xenline.example.toml");
    let example = load(Some(&path), []).expect("the example can be loaded");
    assert_eq!(example, Config::default());
    assert_eq!(validate(&example), []);
}
