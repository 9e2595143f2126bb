//! Finds the data folder that espeak-ng needs at run time.

use std::path::{Path, PathBuf};

/// Why espeak-ng cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EspeakError {
    /// No folder with its dictionaries and phoneme tables.
    #[error(
        "espeak-ng finds no data folder; looked in {searched}. Set {DATA_VARIABLE} to the folder \
         that holds `espeak-ng-data`, or install the package espeak-ng-data"
    )]
    NoData {
        /// Where it was looked for.
        searched: String,
    },
    /// The named folder is not one, or belongs to another version.
    #[error(
        "{path} is no espeak-ng data folder of the version this program was built with ({why})"
    )]
    WrongData {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No such voice or language.
    #[error("espeak-ng has no voice `{0}`; `espeak-ng --voices` lists them")]
    NoVoice(String),
    /// The library refused to work.
    #[error("espeak-ng failed in {call} (code {code})")]
    Failed {
        /// The C function.
        call: &'static str,
        /// Its result.
        code: i64,
    },
}

/// Environment variable that names the folder which holds `espeak-ng-data`.
pub(crate) const DATA_VARIABLE: &str = "PIPER_ESPEAKNG_DATA_DIRECTORY";

/// A place to look in.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Place {
    /// This data folder.
    Folder(PathBuf),
    /// Whatever path was compiled into the library: its own build's output.
    BuiltIn,
}

/// Where to look, best first. A folder that was asked for by name must be right; others are
/// candidates.
///
/// # Errors
/// [`EspeakError::WrongData`] if `wanted` or the environment names a folder that is none.
pub(crate) fn places(wanted: Option<&Path>) -> Result<Vec<Place>, EspeakError> {
    let variable = std::env::var_os(DATA_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(named) = wanted.map(Path::to_path_buf).or(variable) {
        let folder = within(&named);
        check(&folder).map_err(|why| EspeakError::WrongData { path: named, why })?;
        return Ok(vec![Place::Folder(folder)]);
    }
    let exe = std::env::current_exe().ok();
    let beside = exe.as_deref().and_then(Path::parent);
    let mut places: Vec<Place> = beside
        .into_iter()
        .flat_map(|dir| [dir.join(FOLDER), dir.join("../share/xenline").join(FOLDER)])
        .filter(|folder| check(folder).is_ok())
        .map(Place::Folder)
        .collect();
    places.push(Place::BuiltIn);
    places.extend(system_folders().into_iter().filter(|f| check(f).is_ok()).map(Place::Folder));
    Ok(places)
}

/// `path` itself if it is the data folder, otherwise the data folder in it.
fn within(path: &Path) -> PathBuf {
    let inner = path.join(FOLDER);
    if inner.is_dir() { inner } else { path.to_path_buf() }
}

/// Whether `folder` holds what the library reads, in its version. Checked here because the
/// library itself goes on with half a table.
fn check(folder: &Path) -> Result<(), &'static str> {
    for file in ["phontab", "phonindex", "intonations", "en_dict"] {
        if !folder.join(file).is_file() {
            return Err("a file of it is missing");
        }
    }
    let mut version = [0; 4];
    let read = std::fs::File::open(folder.join("phondata"))
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut version));
    match read {
        Err(_) => Err("its phondata cannot be read"),
        Ok(()) if u32::from_le_bytes(version) != VERSION => Err("its version differs"),
        Ok(()) => Ok(()),
    }
}

fn system_folders() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join(FOLDER))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found.extend(["/usr/share", "/usr/local/share"].map(|dir| Path::new(dir).join(FOLDER)));
    found
}

const FOLDER: &str = "espeak-ng-data";
const VERSION: u32 = 0x01_48_01; // version_phdata in espeak-ng's synthdata.c

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_asked_for_by_name_must_be_one() {
        let dir = tempfile::tempdir().unwrap();
        let error = places(Some(dir.path())).unwrap_err();
        assert!(error.to_string().contains("a file of it is missing"), "{error}");
    }

    #[test]
    fn data_of_another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["phontab", "phonindex", "intonations", "en_dict"] {
            std::fs::write(dir.path().join(file), b"x").unwrap();
        }
        std::fs::write(dir.path().join("phondata"), [1, 2, 3, 4]).unwrap();
        let error = places(Some(dir.path())).unwrap_err();
        assert!(error.to_string().contains("its version differs"), "{error}");
    }

    #[test]
    fn the_path_compiled_in_is_always_a_candidate() {
        assert!(places(None).is_ok_and(|p| p.contains(&Place::BuiltIn)));
    }
}
