//! The SIP stack stays behind its window, so that it can be changed.

use std::path::Path;

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_stacks_crate_is_named_in_src_stack_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let outside = files.iter().filter(|file| !file.starts_with(source.join("stack")));
    let naming: Vec<_> = outside
        .filter(|file| std::fs::read_to_string(file).unwrap().contains("rsipstack"))
        .collect();
    assert!(naming.is_empty(), "{naming:?}");
}
