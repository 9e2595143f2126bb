use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::StartError;

/// A listening socket that only this user can reach. Removed when dropped.
#[derive(Debug)]
pub(crate) struct PrivateSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl PrivateSocket {
    pub(crate) fn bind(directory: &Path) -> Result<Self, StartError> {
        make_private(directory)?;
        let path = directory.join(SOCKET_NAME);
        if path.as_os_str().len() > PATH_BYTES_MAX {
            return Err(StartError::PathTooLong { path });
        }
        remove_leftover(&path)?;
        let failed = |error| StartError::Bind { path: path.clone(), error };
        // Between bind and chmod the directory's mode protects it.
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection, and whether it is of this user.
    ///
    /// Cancel safe.
    pub(crate) async fn accept(&self) -> io::Result<(UnixStream, bool)> {
        let (stream, _) = self.listener.accept().await?;
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == own_user());
        Ok((stream, ours))
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn make_private(directory: &Path) -> Result<(), StartError> {
    let failed = |error| StartError::Directory { path: directory.into(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let metadata = fs::metadata(directory).map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 || metadata.uid() != own_user() {
        return Err(StartError::NotPrivate { path: directory.into(), mode, owner: metadata.uid() });
    }
    Ok(())
}

/// A socket that nobody listens on was left by a line that was killed.
fn remove_leftover(path: &Path) -> Result<(), StartError> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(StartError::InUse { path: path.into() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            fs::remove_file(path).map_err(|error| StartError::Bind { path: path.into(), error })
        }
    }
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

const SOCKET_NAME: &str = "brain.sock";

/// `sun_path` has 108 bytes on Linux, one for the end.
const PATH_BYTES_MAX: usize = 107;
