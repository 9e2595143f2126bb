//! Secrets: from the environment, or from the credentials that systemd hands to its unit.

use std::path::Path;

/// The unit's `LoadCredential=xenline:FOLDER` names each file of the folder so.
const PREFIX: &str = "xenline_";
/// A token or an address, not a file by mistake.
const BYTES_MAX: u64 = 16 * 1024;

/// What the variable `name` holds, else the credential of that name. `None` where neither is, or where
/// it is empty or no text.
#[must_use]
pub fn secret(name: &str) -> Option<String> {
    let variable = std::env::var(name).ok();
    variable
        .filter(|value| !value.is_empty())
        .or_else(|| credential(Path::new(&std::env::var_os("CREDENTIALS_DIRECTORY")?), name))
}

fn credential(folder: &Path, name: &str) -> Option<String> {
    let files = [folder.join(name), folder.join(format!("{PREFIX}{name}"))];
    let file = files.into_iter().find(|file| file.is_file())?;
    if file.metadata().ok()?.len() > BYTES_MAX {
        tracing::warn!(file = %file.display(), "larger than any secret; is it the right file?");
        return None;
    }
    // A file written with an editor ends with a newline; no secret does.
    let text = std::fs::read_to_string(&file).ok()?.trim_end().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_read_by_its_name_with_and_without_the_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("it is written");
        };
        write("xenline_XENLINE_SMS_KEY", "from the folder\n");
        write("XENLINE_HTTP_TOKEN", "by itself");
        write("XENLINE_REDIS_URL", "\n");
        let read = |name| credential(folder.path(), name);
        assert_eq!(read("XENLINE_SMS_KEY").as_deref(), Some("from the folder"));
        assert_eq!(read("XENLINE_HTTP_TOKEN").as_deref(), Some("by itself"));
        assert_eq!(read("XENLINE_REDIS_URL"), None);
        assert_eq!(read("XENLINE_NOTHING"), None);
    }
}
