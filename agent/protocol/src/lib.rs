//! Versioned messages between the line and its brain.
