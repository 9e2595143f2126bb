//! Starts, watches and restarts the brain sidecar.
