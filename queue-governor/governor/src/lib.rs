//! Who may speak, when, and what became of it. A pure core.
