//! The rule files the program brings along. A file in `config/rules` that is not listed here fails a test.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        /// The rules the program brings along: `(path, YAML)` each.
        pub const BUILTIN: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../../", $path)))),+];
    };
}

files! {
    "config/rules/secrets/ai.yaml",
    "config/rules/secrets/ai_tools.yaml",
    "config/rules/secrets/aws.yaml",
    "config/rules/secrets/azure.yaml",
    "config/rules/secrets/chat.yaml",
    "config/rules/secrets/ci.yaml",
    "config/rules/secrets/clouds.yaml",
    "config/rules/secrets/code.yaml",
    "config/rules/secrets/commerce.yaml",
    "config/rules/secrets/connections.yaml",
    "config/rules/secrets/crypto.yaml",
    "config/rules/secrets/databases.yaml",
    "config/rules/secrets/finance.yaml",
    "config/rules/secrets/frameworks.yaml",
    "config/rules/secrets/google.yaml",
    "config/rules/secrets/hosting.yaml",
    "config/rules/secrets/identity.yaml",
    "config/rules/secrets/infrastructure.yaml",
    "config/rules/secrets/keys.yaml",
    "config/rules/secrets/mail.yaml",
    "config/rules/secrets/maps_media.yaml",
    "config/rules/secrets/monitoring.yaml",
    "config/rules/secrets/payment.yaml",
    "config/rules/secrets/productivity.yaml",
    "config/rules/secrets/registries.yaml",
    "config/rules/secrets/security.yaml",
    "config/rules/secrets/social.yaml",
    "config/rules/secrets/tokens.yaml",
    "config/rules/secrets/webhooks.yaml",
    "config/rules/secrets/generic.yaml",
    "config/rules/injection/override.yaml",
    "config/rules/injection/override_languages.yaml",
    "config/rules/injection/override_languages2.yaml",
    "config/rules/injection/roles.yaml",
    "config/rules/injection/extraction.yaml",
    "config/rules/injection/exfiltration.yaml",
    "config/rules/injection/tools.yaml",
    "config/rules/injection/persona.yaml",
    "config/rules/injection/extraction_languages.yaml",
    "config/rules/injection/persona_languages.yaml",
    "config/rules/injection/hiding_languages.yaml",
    "config/rules/injection/pretext.yaml",
    "config/rules/injection/demands.yaml",
    "config/rules/injection/forging.yaml",
    "config/rules/injection/decoding.yaml",
    "config/rules/mcp/tool_poisoning.yaml",
    "config/rules/content/links.yaml",
}
