//! The one module that knows YAML.

use serde::de::DeserializeOwned;

/// Where and why a YAML text is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}:{line}:{column}: {message}")]
pub struct YamlError {
    /// The file, or what the text is.
    pub source_name: String,
    /// From 1; 0: unknown.
    pub line: usize,
    /// From 1; 0: unknown.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads one YAML document.
///
/// # Errors
/// The first thing wrong, with its place.
pub fn parse<T: DeserializeOwned>(text: &str, source_name: &str) -> Result<T, YamlError> {
    serde_saphyr::from_str(text).map_err(|e| {
        let at = e.location();
        YamlError {
            source_name: source_name.to_owned(),
            line: at.map_or(0, |l| usize::try_from(l.line()).unwrap_or(0)),
            column: at.map_or(0, |l| usize::try_from(l.column()).unwrap_or(0)),
            message: e.to_string(),
        }
    })
}
