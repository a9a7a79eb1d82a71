//! The rule files the program brings along. A file in `config/rules` that is not listed here fails a test.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        /// The rules the program brings along: `(path, YAML)` each.
        pub const BUILTIN: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../", $path)))),+];
    };
}

files! {
    "config/rules/secrets/ai.yaml",
    "config/rules/secrets/cloud.yaml",
    "config/rules/secrets/code.yaml",
    "config/rules/secrets/services.yaml",
    "config/rules/secrets/generic.yaml",
    "config/rules/injection/override.yaml",
    "config/rules/injection/override_languages.yaml",
    "config/rules/injection/roles.yaml",
    "config/rules/injection/extraction.yaml",
    "config/rules/injection/exfiltration.yaml",
    "config/rules/injection/tools.yaml",
    "config/rules/injection/persona.yaml",
}
