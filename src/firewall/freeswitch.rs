use std::fmt::Write;

use super::Guarded;
use super::guarded::comment;

/// The access lists of a FreeSWITCH in front: `trunk` for its external profile, and `nobody` for the
/// profile from which it calls xenline. A list without `default="deny"` would allow.
#[must_use]
pub fn acl(guarded: &Guarded) -> String {
    let mut text = String::from(
        "<!-- Made by `xenline firewall print` for FreeSWITCH. Do not edit: change [[trunk]] and make it again. -->\n\
         <configuration name=\"acl.conf\">\n  <network-lists>\n    <list name=\"trunk\" default=\"deny\">\n",
    );
    for source in &guarded.sources {
        // Two hyphens would end the comment's grammar.
        let _ = writeln!(text, "      <!-- {} -->", comment(&source.name).replace('-', "_"));
        for network in &source.signalling {
            let _ = writeln!(text, "      <node type=\"allow\" cidr=\"{network}\"/>");
        }
    }
    text.push_str(
        "    </list>\n    <list name=\"nobody\" default=\"deny\"/>\n  </network-lists>\n</configuration>\n",
    );
    text
}
