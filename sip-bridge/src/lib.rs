//! Trunk ACL, SDP, call state machine and the SIP stack's shell.
