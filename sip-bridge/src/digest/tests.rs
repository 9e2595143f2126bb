use core::net::IpAddr;
use core::time::Duration;

use media_core::MonoTime;

use super::*;

fn mufasa() -> Credentials {
    Credentials { user: "Mufasa".into(), secret: "Circle of Life".into() }
}

/// RFC 7616 §3.9.1.
#[test]
fn the_rfcs_own_example_is_proven_with_both_hashes() {
    let of = Subject {
        realm: "http-auth@example.org",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        method: "GET",
        uri: "/dir/index.html",
        counted: Some((1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
    };
    assert_eq!(prove(DigestAlgorithm::Md5, &mufasa(), &of), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(
        prove(DigestAlgorithm::Sha256, &mufasa(), &of),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
}

/// RFC 2617 §3.5 without `qop` is RFC 2069's: the exchanges of the last century.
#[test]
fn a_challenge_without_qop_is_met_without_a_count() {
    let mut challenge = Challenge::read("Digest realm=\"a\", nonce=\"b\"", false).unwrap();
    let line = challenge.meet(&mufasa(), ("INVITE", "sip:a@b"), "own");
    assert!(
        !line.contains("qop") && !line.contains("nc=") && !line.contains("algorithm"),
        "{line}"
    );
}

#[test]
fn the_stronger_of_two_challenges_is_met_and_what_we_cannot_meet_is_not() {
    let challenges = [
        "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"",
        "Digest realm=\"r\", nonce=\"m\", algorithm=SHA-256, qop=\"auth,auth-int\", opaque=\"o\\\"p\"",
        "Digest realm=\"r\", nonce=\"m\", algorithm=SHA-512-256",
    ]
    .map(str::to_owned);
    let mut challenge = strongest(&challenges, true).unwrap();
    let line = challenge.meet(&mufasa(), ("REGISTER", "sip:r"), "own");
    assert!(line.starts_with("Proxy-Authorization: Digest username=\"Mufasa\", "), "{line}");
    for part in ["algorithm=SHA-256", "qop=auth, nc=00000001, cnonce=\"own\"", "opaque=\"o\\\"p\""]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(challenge.meet(&mufasa(), ("REGISTER", "sip:r"), "own").contains("nc=00000002"));
    for hopeless in [
        "Basic realm=\"r\"",
        "Digest",
        "Digest realm",
        "Digest realm=\"r\"",
        "Digest realm=\"r\", nonce=\"\"",
        "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        "Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5",
    ] {
        assert_eq!(Challenge::read(hopeless, false), None, "{hopeless}");
    }
}

#[test]
fn what_is_met_is_believed_and_nothing_else_is() {
    let text = "Digest realm=\"r, s\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
    let line = Challenge::read(text, false).unwrap().meet(&mufasa(), ("REGISTER", "sip:r"), "own");
    let value = line.trim().strip_prefix("Authorization: ").unwrap();
    let proof = Proof::read(value).unwrap();
    assert!(proof.holds(&mufasa(), "r, s", ("REGISTER", "sip:r")));
    let wrong = Credentials { secret: "circle of life".into(), ..mufasa() };
    assert!(!proof.holds(&wrong, "r, s", ("REGISTER", "sip:r")));
    assert!(!proof.holds(&mufasa(), "r", ("REGISTER", "sip:r")));
    assert!(!proof.holds(&mufasa(), "r, s", ("INVITE", "sip:r")));
    assert!(!proof.holds(&mufasa(), "r, s", ("REGISTER", "sip:other")));
    for broken in [value.replace("qop=auth, ", ""), value.replace("nc=00000001", "nc=x")] {
        assert_eq!(Proof::read(&broken), None, "{broken}");
    }
}

#[test]
fn a_nonce_is_good_once_for_each_count_for_its_peer_and_for_five_minutes() {
    use NonceVerdict::{Foreign, Good, Stale};
    let (peer, other): (IpAddr, IpAddr) =
        ("192.0.2.9".parse().unwrap(), "192.0.2.8".parse().unwrap());
    let at = |seconds: u64| MonoTime::from_millis(seconds * 1_000);
    let mut nonces = Nonces::new([3; 32]);
    let nonce = nonces.make(at(10), peer);
    assert_eq!(nonces.take(at(11), peer, &nonce, 1), Good);
    assert_eq!(nonces.take(at(11), peer, &nonce, 1), Stale, "a replay");
    assert_eq!(nonces.take(at(12), peer, &nonce, 7), Good);
    assert_eq!(nonces.take(at(12), peer, &nonce, 3), Stale);
    assert_eq!(nonces.take(at(12), other, &nonce, 8), Foreign);
    assert_eq!(nonces.take(at(311), peer, &nonce, 8), Stale);
    let forged = nonce.replacen('0', "1", 1);
    for bad in [
        forged.as_str(),
        "",
        "x",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        &nonce[1..],
    ] {
        assert_eq!(nonces.take(at(12), peer, bad, 9), Foreign, "{bad}");
    }
    assert_eq!(Nonces::new([4; 32]).take(at(12), peer, &nonce, 9), Foreign);
}

#[test]
fn what_was_used_is_remembered_within_bounds_and_never_counts_again() {
    let peer: IpAddr = "192.0.2.9".parse().unwrap();
    let mut nonces = Nonces::new([3; 32]);
    let now = MonoTime::from_millis(1_000);
    let first = nonces.make(now, peer);
    assert_eq!(nonces.take(now, peer, &first, 1), NonceVerdict::Good);
    for n in 1..=600 {
        let later = now + Duration::from_millis(n);
        let nonce = nonces.make(later, peer);
        assert_eq!(nonces.take(later, peer, &nonce, 1), NonceVerdict::Good);
    }
    assert_eq!(nonces.take(now, peer, &first, 1), NonceVerdict::Stale, "forgotten, not forgiven");
    assert_eq!(nonces.take(now, peer, &first, 2), NonceVerdict::Stale);
}

#[test]
fn a_secret_is_not_shown() {
    assert!(!format!("{:?}", mufasa()).contains("Circle"));
}
