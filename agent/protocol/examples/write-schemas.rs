//! Writes the JSON Schema files under `schema/`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    std::fs::create_dir_all(&directory)?;
    for file in brain_protocol::schema::files() {
        std::fs::write(directory.join(file.name), file.text)?;
    }
    Ok(())
}
