//! A home directory with one file of each kind, written by hand as the programs' own documentation shows them.
use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn look(&self, variables: &[(&str, &str)]) -> (Vec<Reading>, Vec<Error>) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name)?;
            Some(self.0.path().join(found.1))
        };
        let places = Places { home: self.0.path().to_owned(), variable: &variable };
        agents(&places, &Providers::builtin().unwrap())
    }

    /// What one file gives: vault name → value, with `~` for what its program renews and `-` for what is no secret.
    fn file(&self, name: &str, text: &str) -> BTreeMap<String, String> {
        self.put(name, text);
        let (readings, wrong) = self.look(&[]);
        assert_eq!(wrong, [], "{name}");
        assert_eq!(readings.len(), 1, "{name} is not looked for");
        fs::remove_file(self.0.path().join(name)).unwrap();
        let shown = |f: &Find| {
            let mark = match f.class {
                Class::Secret => "",
                Class::Renewed => "~",
                Class::Plain(_) => "-",
            };
            (f.name.clone(), format!("{mark}{}", String::from_utf8_lossy(f.value.expose())))
        };
        readings[0].finds.iter().map(shown).collect()
    }
}

fn rows(want: &[(&str, &str)]) -> BTreeMap<String, String> {
    want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn the_coding_agents() {
    let home = Home::new();
    for (name, text, want) in [
        (
            ".claude/.credentials.json",
            r#"{"claudeAiOauth":{"accessToken":"oat-1","refreshToken":"ort-1","expiresAt":1700000000000,"scopes":["a"]}}"#,
            rows(&[("CLAUDE_CODE_ACCESS_TOKEN", "~oat-1"), ("CLAUDE_CODE_REFRESH_TOKEN", "~ort-1")]),
        ),
        (
            ".claude.json",
            r#"{"primaryApiKey":"sk-ant-x","customApiKeyResponses":{"approved":["tail"]},
               "mcpServers":{"gh":{"env":{"GITHUB_PAT":"p1","DEBUG":"yes","OTHER_KEY":"${OTHER}"},"headers":{"Authorization":"Bearer t1"}}},
               "projects":{"/x":{"mcpServers":{"db":{"env":{"DB_PASSWORD":"p2"}}}}}}"#,
            rows(&[
                ("ANTHROPIC_API_KEY", "sk-ant-x"),
                ("GITHUB_PAT", "p1"),
                ("DEBUG", "-yes"),
                ("OTHER_KEY", "-${OTHER}"),
                ("GH_AUTHORIZATION", "t1"),
                ("DB_PASSWORD", "p2"),
            ]),
        ),
        (".claude/settings.json", r#"{"env":{"MY_TOKEN":"t"}}"#, rows(&[("MY_TOKEN", "t")])),
        (
            ".codex/auth.json",
            r#"{"OPENAI_API_KEY":"sk-1","tokens":{"id_token":"i","access_token":"a","refresh_token":"r","account_id":"n"},"last_refresh":"x"}"#,
            rows(&[
                ("OPENAI_API_KEY", "sk-1"),
                ("CODEX_ID_TOKEN", "~i"),
                ("CODEX_ACCESS_TOKEN", "~a"),
                ("CODEX_REFRESH_TOKEN", "~r"),
            ]),
        ),
        (".codex/auth.json", r#"{"OPENAI_API_KEY":null,"tokens":null}"#, rows(&[])),
        (
            ".codex/config.toml",
            "model = \"m\"\n[mcp_servers.gh]\ncommand = \"x\"\n[mcp_servers.gh.env]\nGH_TOKEN = \"g\"\n",
            rows(&[("GH_TOKEN", "g")]),
        ),
        (
            ".gemini/oauth_creds.json",
            r#"{"access_token":"a","refresh_token":"r","scope":"s","token_type":"Bearer","expiry_date":1}"#,
            rows(&[("GEMINI_ACCESS_TOKEN", "~a"), ("GEMINI_REFRESH_TOKEN", "~r")]),
        ),
        (".gemini/.env", "GEMINI_API_KEY=AIzaSy\n", rows(&[("GEMINI_API_KEY", "AIzaSy")])),
    ] {
        assert_eq!(home.file(name, text), want, "{name}");
    }
}

#[test]
fn agents_that_take_any_model() {
    let home = Home::new();
    for (name, text, want) in [
        (
            ".aider.conf.yml",
            "openai-api-key: sk-1\nmodel: x\napi-key:\n  - gemini=g1\n  - openrouter=o1\nset-env:\n  - MY_TOKEN=t1\n  - COLOR=red\n",
            rows(&[
                ("OPENAI_API_KEY", "sk-1"),
                ("GEMINI_API_KEY", "g1"),
                ("OPENROUTER_API_KEY", "o1"),
                ("MY_TOKEN", "t1"),
                ("COLOR", "-red"),
            ]),
        ),
        (
            ".local/share/opencode/auth.json",
            r#"{"anthropic":{"type":"oauth","refresh":"r","access":"a","expires":1},"openai":{"type":"api","key":"sk-1"}}"#,
            rows(&[
                ("ANTHROPIC_REFRESH_TOKEN", "~r"),
                ("ANTHROPIC_ACCESS_TOKEN", "~a"),
                ("OPENAI_API_KEY", "sk-1"),
            ]),
        ),
        (
            ".continue/config.json",
            r#"{"models":[{"title":"t","provider":"mistral","apiKey":"m1"},{"apiKey":"u1"}]}"#,
            rows(&[("MISTRAL_API_KEY", "m1"), ("MODEL_API_KEY", "u1")]),
        ),
        (
            ".continue/config.yaml",
            "models:\n  - name: a\n    provider: openai\n    apiKey: sk-1\n  - provider: groq\n    apiKey: ${{ secrets.GROQ }}\n",
            rows(&[("OPENAI_API_KEY", "sk-1"), ("GROQ_API_KEY", "-${{ secrets.GROQ }}")]),
        ),
        (".cursor/mcp.json", r#"{"mcpServers":{"s":{"env":{"API_KEY":"k"}}}}"#, rows(&[("API_KEY", "k")])),
    ] {
        assert_eq!(home.file(name, text), want, "{name}");
    }
}

#[test]
fn the_tools_that_agents_use() {
    let home = Home::new();
    let basic = BASE64.encode(b"me:s:e:c");
    for (name, text, want) in [
        (
            ".config/gh/hosts.yml",
            "github.com:\n    users:\n        me:\n            oauth_token: gho_1\n    git_protocol: https\n    oauth_token: gho_1\n    user: me\nghe.example:\n    oauth_token: gho_2\n",
            rows(&[("GITHUB_TOKEN", "gho_1"), ("GITHUB_TOKEN_GHE_EXAMPLE", "gho_2")]),
        ),
        (
            ".config/glab-cli/config.yml",
            "hosts:\n    gitlab.example:\n        token: glpat-1\n",
            rows(&[("GITLAB_TOKEN", "glpat-1")]),
        ),
        (
            ".git-credentials",
            "https://me:gh%2Fo@github.com\nhttps://me:other@git.example\n",
            rows(&[("GITHUB_TOKEN", "gh/o"), ("GIT_EXAMPLE_PASSWORD", "other")]),
        ),
        (
            ".netrc",
            "machine api.github.com login me password gho_1\nmachine x.example login me password p\n",
            rows(&[("GITHUB_TOKEN", "gho_1"), ("X_EXAMPLE_PASSWORD", "p")]),
        ),
        (
            ".npmrc",
            "//npm.example/:_authToken=npm_1\n//other.example/a/:_authToken=${NPM_TOKEN}\n",
            rows(&[("NPM_TOKEN_NPM_EXAMPLE", "npm_1"), ("NPM_TOKEN_OTHER_EXAMPLE_A", "-${NPM_TOKEN}")]),
        ),
        (".npmrc", "//npm.example/:_authToken=npm_1\n", rows(&[("NPM_TOKEN", "npm_1")])),
        (".npmrc", &format!("//npm.example/:_auth={basic}\n"), rows(&[("NPM_PASSWORD", "s:e:c")])),
        (
            ".pypirc",
            "[distutils]\nindex-servers = pypi\n  own\n[pypi]\nusername = __token__\npassword = pypi-1\n[own]\npassword: p2\n",
            rows(&[("PYPI_TOKEN", "pypi-1"), ("PYPI_TOKEN_OWN", "p2")]),
        ),
        (
            ".config/pip/pip.conf",
            "[global]\nindex-url = https://me:p%40ss@pip.example/simple\n",
            rows(&[("PIP_INDEX_PASSWORD", "p@ss")]),
        ),
    ] {
        assert_eq!(home.file(name, text), want, "{name}");
    }
}

#[test]
fn package_registries_and_clouds() {
    let home = Home::new();
    let basic = BASE64.encode(b"me:s:e:c");
    for (name, text, want) in [
        (
            ".cargo/credentials.toml",
            "[registry]\ntoken = \"c1\"\n[registries.my-own]\ntoken = \"c2\"\n",
            rows(&[("CARGO_REGISTRY_TOKEN", "c1"), ("CARGO_REGISTRIES_MY_OWN_TOKEN", "c2")]),
        ),
        (
            ".aws/credentials",
            "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s1\n[work]\naws_access_key_id=ASIA2\naws_secret_access_key=s2\naws_session_token=t2\n",
            rows(&[
                ("AWS_ACCESS_KEY_ID", "AKIA1"),
                ("AWS_SECRET_ACCESS_KEY", "s1"),
                ("AWS_ACCESS_KEY_ID_WORK", "ASIA2"),
                ("AWS_SECRET_ACCESS_KEY_WORK", "s2"),
                ("AWS_SESSION_TOKEN", "~t2"),
            ]),
        ),
        (
            ".config/gcloud/application_default_credentials.json",
            r#"{"client_id":"c","client_secret":"d","refresh_token":"1//r","type":"authorized_user"}"#,
            rows(&[("GCP_REFRESH_TOKEN", "1//r")]),
        ),
        (
            ".config/gcloud/application_default_credentials.json",
            r#"{"type":"service_account","private_key":"k"}"#,
            rows(&[("GCP_SERVICE_ACCOUNT", r#"{"type":"service_account","private_key":"k"}"#)]),
        ),
        (
            ".docker/config.json",
            &format!(
                r#"{{"auths":{{"reg.example":{{"auth":"{basic}"}},"b.example":{{"identitytoken":"i"}}}},"credsStore":"x"}}"#
            ),
            rows(&[("DOCKER_PASSWORD", "s:e:c"), ("DOCKER_IDENTITY_TOKEN", "i")]),
        ),
        (".cache/huggingface/token", "hf_1\n", rows(&[("HUGGINGFACE_API_KEY", "hf_1")])),
        (
            ".terraform.d/credentials.tfrc.json",
            r#"{"credentials":{"tf.example":{"token":"t"}}}"#,
            rows(&[("TERRAFORM_TOKEN", "t")]),
        ),
    ] {
        assert_eq!(home.file(name, text), want, "{name}");
    }
}

#[test]
fn folders_that_a_variable_moves() {
    let home = Home::new();
    home.put("moved/auth.json", r#"{"OPENAI_API_KEY":"sk-1"}"#);
    home.put("my-netrc", "machine a login b password c");
    let found = |variables: &[(&str, &str)]| home.look(variables).0.len();
    assert_eq!(found(&[]), 0);
    assert_eq!(found(&[("CODEX_HOME", "moved")]), 1);
    assert_eq!(found(&[("NETRC", "my-netrc")]), 1);
    home.put("key.json", r#"{"private_key":"k"}"#);
    assert_eq!(found(&[("GOOGLE_APPLICATION_CREDENTIALS", "key.json")]), 1);
}

#[test]
fn one_bad_file_does_not_hide_the_others_and_shows_nothing() {
    let home = Home::new();
    home.put(".codex/auth.json", r#"{"OPENAI_API_KEY": hunter2"#);
    home.put(".cache/huggingface/token", "hf_1");
    let target = home.0.path().join("elsewhere");
    fs::write(&target, "machine a password b").unwrap();
    std::os::unix::fs::symlink(&target, home.0.path().join(".netrc")).unwrap();
    let (readings, wrong) = home.look(&[]);
    assert_eq!(readings.len(), 1);
    let codes: Vec<_> = wrong.iter().map(Error::code).collect();
    assert_eq!(codes, ["import_syntax", "import_unsafe_file"]);
    assert!(!wrong[0].to_string().contains("hunter2"), "{}", wrong[0]);
}
