//! Units and symbols that stand behind a number.

/// The spoken unit for `text` written right behind a number, in singular and plural.
/// Case matters where it does in writing: `MB` and `Mb` differ.
pub(crate) fn unit(text: &str) -> Option<(&'static str, &'static str)> {
    UNITS.iter().find(|(written, _, _)| *written == text).map(|&(_, one, many)| (one, many))
}

/// The spoken name of a currency symbol: whole and hundredth, each singular and plural.
pub(crate) fn currency(symbol: char) -> Option<[&'static str; 4]> {
    match symbol {
        '$' => Some(["dollar", "dollars", "cent", "cents"]),
        '€' => Some(["euro", "euros", "cent", "cents"]),
        '£' => Some(["pound", "pounds", "penny", "pence"]),
        _ => None,
    }
}

const UNITS: &[(&str, &str, &str)] = &[
    ("%", "percent", "percent"),
    ("°", "degree", "degrees"),
    ("°C", "degree celsius", "degrees celsius"),
    ("°F", "degree fahrenheit", "degrees fahrenheit"),
    ("B", "byte", "bytes"),
    ("kB", "kilobyte", "kilobytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("KiB", "kibibyte", "kibibytes"),
    ("MiB", "mebibyte", "mebibytes"),
    ("GiB", "gibibyte", "gibibytes"),
    ("TiB", "tebibyte", "tebibytes"),
    ("Mb", "megabit", "megabits"),
    ("Gb", "gigabit", "gigabits"),
    ("kbit/s", "kilobit per second", "kilobits per second"),
    ("Mbit/s", "megabit per second", "megabits per second"),
    ("MB/s", "megabyte per second", "megabytes per second"),
    ("ns", "nanosecond", "nanoseconds"),
    ("us", "microsecond", "microseconds"),
    ("µs", "microsecond", "microseconds"),
    ("ms", "millisecond", "milliseconds"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("d", "day", "days"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("dB", "decibel", "decibels"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("V", "volt", "volts"),
    ("mm", "millimeter", "millimeters"),
    ("cm", "centimeter", "centimeters"),
    ("m", "meter", "meters"),
    ("km", "kilometer", "kilometers"),
    ("km/h", "kilometer per hour", "kilometers per hour"),
    ("mph", "mile per hour", "miles per hour"),
    ("kg", "kilogram", "kilograms"),
    ("g", "gram", "grams"),
    ("l", "liter", "liters"),
    ("x", "times", "times"),
    ("k", "thousand", "thousand"),
    ("K", "thousand", "thousand"),
    ("M", "million", "million"),
    ("am", "eigh em", "eigh em"),
    ("AM", "eigh em", "eigh em"),
    ("a.m", "eigh em", "eigh em"),
    ("pm", "pee em", "pee em"),
    ("PM", "pee em", "pee em"),
    ("p.m", "pee em", "pee em"),
];
