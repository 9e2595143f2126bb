//! What SQLite says, in the words of a store.

use rusqlite::{Error, ErrorCode};

use crate::error::{GroupError, PublishError, StoreError};

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => StoreError::Unavailable,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory,
            ) => StoreError::Disk,
            // Tables, rows or values that this store never writes.
            _ => StoreError::Damaged,
        }
    }
}

impl From<Error> for PublishError {
    fn from(error: Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<Error> for GroupError {
    fn from(error: Error) -> Self {
        StoreError::from(error).into()
    }
}
