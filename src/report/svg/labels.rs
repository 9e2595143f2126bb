//! Reads the labels of a picture back, so that a test can see whether they overlap.

use super::font::{self, Weight};

/// A label and the room that it takes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Label {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Label {
    pub(crate) fn overlaps(&self, other: &Label) -> bool {
        let apart = self.right <= other.left || other.right <= self.left;
        let above = self.bottom <= other.top || other.bottom <= self.top;
        !apart && !above
    }
}

/// The labels of a picture that this module drew.
pub(crate) fn labels(picture: &str) -> Vec<Label> {
    picture.lines().filter(|line| line.starts_with("<text ")).map(label).collect()
}

fn label(line: &str) -> Label {
    let number = |name| attribute(line, name).parse::<f64>().expect("a number");
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    let mut text = String::new();
    let mut width = 0.0;
    for span in line.split("<tspan ").skip(1) {
        let bold = attribute(span, "font-weight") == "600";
        let weight = if bold { Weight::SemiBold } else { Weight::Regular };
        let words = span.split_once('>').and_then(|(_, rest)| rest.split_once('<'));
        let words = words.expect("a tspan").0.replace("&quot;", "\"");
        width += font::width(&words, size, weight);
        text += &words;
    }
    let left = match attribute(line, "text-anchor") {
        "middle" => x - width / 2.0,
        "end" => x - width,
        _ => x,
    };
    // From the top of the capitals to the baseline: what touches is read as one.
    Label { text, left, right: left + width, top: y - size * 0.73, bottom: y }
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let start = format!("{name}=\"");
    let (_, rest) = element.split_once(&start).expect("the attribute is there");
    rest.split_once('"').expect("it is closed").0
}
