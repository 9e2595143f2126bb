use std::ffi::OsString;
use std::path::Path;

use toml::{Table, Value};

use super::{Config, ConfigError};

/// A configuration is a page or two; more is another file by mistake.
const FILE_BYTES_MAX: u64 = 256 * 1024;
const PREFIX: &str = "XENLINE_";
/// Variables with our prefix that are not configuration keys: they name files and sockets, are the
/// brain's own, or belong to set-up and tests.
const NOT_KEYS: &[&str] = &[
    "XENLINE_BRAIN_SOCKET",
    "XENLINE_BRAIN_CONFIG",
    "XENLINE_BRAIN_LOG",
    "XENLINE_CONFIG",
    "XENLINE_REDIS_URL",
    "XENLINE_YES",
    "XENLINE_ASSETS",
    "XENLINE_MODELS",
    "XENLINE_HTTP_TOKEN",
    "XENLINE_SMS_KEY",
    "XENLINE_LIVEKIT_KEY",
    "XENLINE_LIVEKIT_SECRET",
    "XENLINE_TEST_FAULTS",
];

/// Secrets that the operator names in `secret_env`.
const SECRETS: &str = "XENLINE_SECRET_";

/// The variables of this process that are keys of ours. Everybody else's may hold any bytes.
///
/// # Errors
/// [`ConfigError::Environment`] for one of ours that is not UTF-8.
pub fn environment() -> Result<Vec<(String, String)>, ConfigError> {
    keys_among(std::env::vars_os())
}

fn keys_among(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    named
        .filter(|(name, _)| is_key(name))
        .map(|(variable, value)| match value.into_string() {
            Ok(value) => Ok((variable, value)),
            Err(_) => {
                let message = "its value is not UTF-8; write it in the configuration file".into();
                Err(ConfigError::Environment { variable, message })
            }
        })
        .collect()
}

fn is_key(variable: &str) -> bool {
    let is_other = NOT_KEYS.contains(&variable) || variable.starts_with(SECRETS);
    variable.starts_with(PREFIX) && !is_other
}

/// Reads the layers: defaults, then the file at `path` (if any), then `environment`.
///
/// # Errors
/// Every [`ConfigError`]; the text says where and what to do.
pub fn load(
    path: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut table = Table::new();
    if let Some(path) = path {
        let text = read(path)?;
        // Deserialised for the message alone: only here are the line and column known.
        toml::from_str::<Config>(&text).map_err(|error| ConfigError::Invalid {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
        table = text.parse().map_err(|error: toml::de::Error| ConfigError::Invalid {
            path: path.to_path_buf(),
            message: error.to_string(),
        })?;
    }
    for (variable, value) in environment {
        if is_key(&variable) {
            overlay(&mut table, &variable, &value)?;
        }
    }
    Config::deserialize_from(table)
}

impl Config {
    fn deserialize_from(table: Table) -> Result<Config, ConfigError> {
        Value::Table(table).try_into().map_err(|error: toml::de::Error| ConfigError::Environment {
            variable: format!("{PREFIX}*"),
            message: error.to_string(),
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_path_buf(), source };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_path_buf(), bytes, max: FILE_BYTES_MAX });
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Sets one key from `XENLINE_SECTION__KEY`, and checks that one key at once, so that the
/// message names the variable.
fn overlay(table: &mut Table, variable: &str, text: &str) -> Result<(), ConfigError> {
    let wrong = |message: String| ConfigError::Environment { variable: variable.into(), message };
    let Some((section, key)) = variable[PREFIX.len()..].split_once("__") else {
        return Err(wrong(
            "write it as XENLINE_SECTION__KEY, for example XENLINE_SIP__CHANNELS".into(),
        ));
    };
    let (section, key) = (section.to_lowercase(), key.to_lowercase());
    let alone = |value: &Value| {
        let inner = Table::from_iter([(key.clone(), value.clone())]);
        let outer = Table::from_iter([(section.clone(), Value::Table(inner))]);
        Value::Table(outer).try_into::<Config>().map(drop)
    };
    // What parses as a TOML value is one; anything else is a plain string.
    let plain = Value::String(text.into());
    let parsed = format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
    let value = match parsed {
        Some(value) if alone(&value).is_ok() => value,
        _ => plain,
    };
    alone(&value).map_err(|error| wrong(error.message().to_string()))?;
    table
        .entry(section.clone())
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| wrong(format!("[{section}] is not a section with keys")))?
        .insert(key, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("it is writable");
        file
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_the_defaults() {
        let file = file("[sip]\nchannels = 3\nuser_agent = \"file\"\n");
        let env = environment(&[("XENLINE_SIP__CHANNELS", "7"), ("PATH", "/bin")]);
        let config = load(Some(file.path()), env).expect("it loads");
        assert_eq!((config.sip.channels, config.sip.user_agent.as_str()), (7, "file"));
        assert_eq!(config.rtp.port_min, 10_000);
    }

    #[test]
    fn a_plain_word_in_the_environment_is_a_string() {
        let env =
            environment(&[("XENLINE_LINE__MODE", "echo"), ("XENLINE_HEARING__MODEL", "/m.bin")]);
        let config = load(None, env).expect("it loads");
        assert_eq!(config.line.mode, super::super::LineMode::Echo);
        assert_eq!(config.hearing.model, "/m.bin");
    }

    #[test]
    fn a_listener_is_switched_off_by_a_word_and_stays_off_when_written_and_read_again() {
        let env = environment(&[("XENLINE_SIP__LISTEN_TCP", "off")]);
        let config = load(None, env).expect("it loads");
        assert_eq!(config.sip.listen_tcp, None);
        let file = file(&toml::to_string(&config).expect("it can be written"));
        assert_eq!(load(Some(file.path()), []).expect("it loads"), config);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let file = file("[sip]\nchannels = 3\nchanels = 4\n");
        let message = load(Some(file.path()), []).expect_err("a typing error").to_string();
        assert!(message.contains("line 3") && message.contains("chanels"), "{message}");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (variable, value) in
            [("XENLINE_SIP__CHANNELS", "many"), ("XENLINE_NOPE__X", "1"), ("XENLINE_SIP", "1")]
        {
            let message = load(None, environment(&[(variable, value)]))
                .expect_err("it does not fit")
                .to_string();
            assert!(message.contains(variable), "{message}");
        }
    }

    #[test]
    fn what_is_not_ours_may_be_anything_and_what_is_ours_is_text() {
        use std::os::unix::ffi::OsStringExt;
        let binary = || OsString::from_vec(vec![0xff, 0xfe]);
        let others =
            ["LS_COLORS", "XENLINE_BRAIN_CONFIG", "XENLINE_BRAIN_LOG", "XENLINE_SECRET_DESK"];
        let others = others.map(|name| (OsString::from(name), binary()));
        assert_eq!(keys_among(others.into_iter()).expect("not ours to judge"), []);
        let ours = [(OsString::from("XENLINE_SIP__USER_AGENT"), binary())];
        let message = keys_among(ours.into_iter()).expect_err("no text").to_string();
        assert!(message.contains("XENLINE_SIP__USER_AGENT"), "{message}");
    }

    #[test]
    fn an_unreadable_file_says_what_to_do_next() {
        let message =
            load(Some(Path::new("/nonexistent/x.toml")), []).expect_err("no file").to_string();
        assert!(message.contains("deploy/xenline.example.toml"), "{message}");
    }
}
