//! The environment of this process: the variables that are secrets by their name or value, and those a person names.

use super::names;
use super::{Class, Error, Find, Origin, Reading};
use crate::base::secret::Secret;
use crate::vault::Providers;
use crate::vault::key::VARIABLES;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Reads it. With names, those and no others.
///
/// # Errors
/// [`Error::NotSet`] for a name that is not there.
pub fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    named: &[String],
    providers: &Providers,
) -> Result<Reading, Error> {
    let all = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    // katana's own key in its own vault would be of no use to anyone but a thief
    let all = all.filter(|(name, _)| !VARIABLES.contains(&&**name));
    let mut finds: Vec<Find> = all
        .filter(|(name, _)| named.is_empty() || named.contains(name))
        .map(|(name, value)| {
            let value = Secret::new(value.into_vec());
            let class =
                if named.is_empty() { names::class(&name, value.expose(), providers) } else { Class::Secret };
            Find { called: name.clone(), name, value, class, spot: None, expires: None }
        })
        .collect();
    finds.sort_by(|a, b| a.called.cmp(&b.called));
    if let Some(missing) = named.iter().find(|n| !finds.iter().any(|f| f.called == **n)) {
        return Err(Error::NotSet(missing.clone()));
    }
    Ok(Reading { origin: Origin::Environment, finds, notes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(named: &[&str]) -> Result<Vec<(String, Class)>, Error> {
        let vars = [
            ("PATH", "/bin"),
            ("OPENAI_API_KEY", "sk-12345678"),
            ("KATANA_VAULT_KEY", "aaaaaaaaaaaaaaaaaaaaaaaa"),
            ("EDITOR", "vi"),
        ];
        let vars = vars.map(|(a, b)| (OsString::from(a), OsString::from(b)));
        let named: Vec<String> = named.iter().map(|n| (*n).to_owned()).collect();
        let reading = environment(vars, &named, &Providers::builtin().unwrap())?;
        Ok(reading.finds.into_iter().map(|f| (f.called, f.class)).collect())
    }

    #[test]
    fn known_names_or_the_named_ones_and_never_the_vaults_own_key() {
        let secrets: Vec<_> = read(&[]).unwrap().into_iter().filter(|f| f.1 == Class::Secret).collect();
        assert_eq!(secrets, [("OPENAI_API_KEY".into(), Class::Secret)]);
        assert_eq!(read(&["EDITOR"]).unwrap(), [("EDITOR".into(), Class::Secret)]);
        assert_eq!(read(&["NO_SUCH"]), Err(Error::NotSet("NO_SUCH".into())));
        assert_eq!(read(&["KATANA_VAULT_KEY"]), Err(Error::NotSet("KATANA_VAULT_KEY".into())));
    }
}
