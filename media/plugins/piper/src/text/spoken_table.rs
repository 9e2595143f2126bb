//! What an agent writes, and what a person would say for it on the telephone. Written as a table
//! so that a case that was said badly is one more line.

use super::clauses;

/// Clauses apart by `|`; a comma inside a word is a short pause.
const TABLE: &[(&str, &str)] = &[
    // Telephone numbers: digit by digit, in groups, whatever they are grouped by.
    ("555-1234", "five five five, one two three four"),
    ("0800 123 4567", "zero eight zero zero one two three four five six seven"),
    ("+44 20 7946 0958", "plus four four two zero seven nine four six zero nine five eight"),
    ("+1 (555) 010-0199", "plus one | five five five zero one zero, zero one nine nine"),
    ("+49-30-1234567", "plus four nine, three zero, one two three, four five six seven"),
    // Addresses.
    ("192.168.0.10", "one nine two dot one six eight dot zero dot ten"),
    ("10.0.0.1:8080", "ten dot zero dot zero dot one port eight zero eight zero"),
    ("10.0.0.0/8", "ten dot zero dot zero dot zero slash eight"),
    ("2001:db8::1", "two zero zero one colon d b eight colon colon one"),
    ("00:1A:2b:3C:4D:5E", "zero zero, one eigh, two b, three c, four d, five e"),
    // Versions.
    ("v1.2.3", "version one point two point three"),
    ("Update 1.24.0 is out", "Update one point twenty four point zero is out"),
    ("version 3.12", "version three point twelve"),
    ("Ubuntu 24.04", "Ubuntu twenty four point zero four"),
    ("Python 3.10-3.12", "Python three point one zero to three point one two"),
    ("2.0.0-rc.12", "two point zero point zero rc twelve"),
    // Times and spans.
    ("14:35", "fourteen thirty five"),
    ("00:00", "midnight"),
    ("9:00-17:00", "nine o'clock to seventeen hundred hours"),
    ("at 11:59 PM", "at eleven fifty nine pee em"),
    ("at 7 a.m. sharp", "at seven eigh em sharp"),
    ("1h30m", "one hour thirty minutes"),
    ("2h 15min", "two hours fifteen minutes"),
    ("1.5s", "one point five seconds"),
    ("24/7", "twenty four seven"),
    // Dates.
    ("2026-11-20", "november twentieth, twenty twenty six"),
    ("11/28/2026", "november twenty eighth, twenty twenty six"),
    ("28.11.2026", "november twenty eighth, twenty twenty six"),
    ("2026-11-28T14:35:00Z", "november twenty eighth, twenty twenty six, fourteen thirty five"),
    ("Nov. 28, 2026", "november twenty eighth | twenty twenty six"),
    ("on May 3 and the 3rd of June", "on May third and the third of June"),
    ("Mon-Fri", "Monday to Friday"),
    ("the 1990s", "the nineteen nineties"),
    ("2019-2024", "twenty nineteen to twenty twenty four"),
    // Money.
    ("$4.50", "four dollars and fifty cents"),
    ("$1,234.56", "one thousand two hundred thirty four dollars and fifty six cents"),
    ("$0.5", "zero point five dollars"),
    ("-$20", "minus twenty dollars"),
    ("$3.2M", "three point two million dollars"),
    ("€5k", "five thousand euros"),
    ("£1bn", "one billion pounds"),
    ("¥500", "five hundred yen"),
    ("40 EUR", "forty euros"),
    ("$10/month", "ten dollars per month"),
    ("$5-10", "five to ten dollars"),
    ("$3 billion", "three billion dollars"),
    // Shares.
    ("93.5%", "ninety three point five percent"),
    ("+3%", "plus three percent"),
    ("10-20%", "ten to twenty percent"),
    ("±5%", "plus or minus five percent"),
    ("~20%", "about twenty percent"),
    ("1/3", "one third"),
    ("2/3", "two thirds"),
    ("50/50", "fifty fifty"),
    ("1/2", "one half"),
    ("Since 9/11", "Since nine eleven"),
    ("9/11", "nine eleven"),
    ("9/11 checks passed", "nine of eleven checks passed"),
    ("due 12/15", "due twelve fifteen"),
    ("by 3/10", "by three ten"),
    ("12/15 are done", "twelve of fifteen are done"),
    ("on 3/10 files", "on three of ten files"),
    ("after 40/50", "after forty of fifty"),
    // Files and paths.
    ("/etc/nginx/nginx.conf", "slash E.T.C. slash nginx slash nginx dot conf"),
    ("~/.ssh/id_rsa", "home slash dot ssh slash id rsa"),
    ("report_final.pdf", "report final dot pdf"),
    ("README.md", "readme dot md"),
    ("C:\\Users\\bob", "C colon backslash Users backslash bob"),
    // What machines call things.
    ("a3f9c1e", "eigh three f, nine c one e"),
    ("0x1F4", "hex one f four"),
    ("e29b41d4-a716-4466", "e two nine, b four one, d four, eigh seven one six, four four six six"),
    ("BA2490", "B.A. two four nine zero"),
    ("COVID-19", "covid nineteen"),
    // Units.
    ("-5°C", "minus five degrees celsius"),
    ("100 Mbps", "one hundred megabits per second"),
    ("3.5 m/s", "three point five meters per second"),
    ("5-10 GB", "five to ten gigabytes"),
    ("16GiB", "sixteen gibibytes"),
    ("6 ft tall", "six feet tall"),
    ("1 lb", "one pound"),
    ("60fps", "sixty frames per second"),
    ("2 req/s", "two requests per second"),
    // Mail and the web.
    ("bob.smith@example.co.uk", "bob dot smith at example dot co dot uk"),
    ("https://example.com/a", "example dot com slash a"),
    ("http://localhost:8080/health", "localhost port eight zero eight zero slash health"),
    ("www.example.org", "www dot example dot org"),
    // Ordinals, negative numbers, large ones.
    ("101st", "one hundred first"),
    ("21ST", "twenty first"),
    ("−40", "minus forty"),
    ("It fell by -0.5", "It fell by minus zero point five"),
    ("1,000,000", "one million"),
    ("1.5M", "one point five million"),
    ("Use No. 5, please", "Use number five | please"),
    // Letters.
    ("The CPUs and GPUs", "The CPUs and GPUs"),
    ("NASA, HTTPS, JSON", "NASA | H.T.T.P.S. json"),
    ("the U.S. and the EU", "the U.S. and the E.U."),
    ("a Ph.D. in AI", "a P.H.D. in A.I."),
    ("Wi-Fi and IoT", "Wi Fi and I.O.T."),
    ("e.g. this, i.e. that", "for example this | that is that"),
    ("3D", "three D"),
];

fn said(text: &str) -> String {
    let words = |words: &[super::clause::Word]| {
        words.iter().map(|word| word.spoken.as_str()).collect::<Vec<_>>().join(" ")
    };
    clauses(text).iter().map(|clause| words(&clause.words)).collect::<Vec<_>>().join(" | ")
}

#[test]
fn what_an_agent_writes_is_said_as_a_person_would() {
    let wrong = TABLE.iter().filter_map(|(written, expected)| {
        let said = said(written);
        (said != *expected).then(|| format!("{written}\n  said    {said}\n  instead {expected}"))
    });
    let wrong: Vec<String> = wrong.collect();
    let (wrong, cases) = (wrong.join("\n"), TABLE.len());
    assert!(wrong.is_empty(), "of {cases} cases these are said badly:\n{wrong}");
}

/// The heard-text ledger counts in these: every byte of a word's source belongs to it alone, and
/// what is left out between two words is white space.
#[test]
fn every_word_of_the_table_still_knows_where_it_was_written() {
    for (written, _) in TABLE {
        let mut at = 0;
        for word in clauses(written).iter().flat_map(|clause| &clause.words) {
            assert!(written[at..word.source.start].trim().is_empty(), "{written}: a gap");
            assert!(!written[word.source.clone()].trim().is_empty(), "{written}: an empty word");
            at = word.source.end;
        }
        assert!(written[at..].trim().is_empty(), "{written}: the end is missing");
    }
}
