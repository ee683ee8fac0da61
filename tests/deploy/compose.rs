//! compose.yaml, read as Docker Compose reads it, as far as we use it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A file of the repository.
pub(crate) fn file(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// compose.yaml with its variables set.
pub(crate) struct Compose(Value);

impl Compose {
    /// As with an `.env` that has these.
    ///
    /// # Errors
    /// What Compose would say: a variable that must be set and is not.
    pub(crate) fn read(variables: &BTreeMap<&str, String>) -> Result<Self, String> {
        let mut whole: Value = serde_saphyr::from_str(&file("compose.yaml")).unwrap();
        fill(&mut whole, variables)?;
        Ok(Self(whole))
    }

    /// As with an `.env` whose values do not matter.
    pub(crate) fn any() -> Self {
        let named: Vec<_> = example();
        let variables = named.iter().map(|name| (name.as_str(), format!("any-{name}"))).collect();
        Self::read(&variables).unwrap()
    }

    pub(crate) fn part(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap()
    }

    pub(crate) fn service(&self, name: &str) -> &Value {
        &self.part("services")[name]
    }

    /// The names of the services that are a serving Frontrow.
    pub(crate) fn processes(&self) -> Vec<&str> {
        let ours = |(_, it): &(&String, &Value)| it["image"] == "frontrow" && it["command"].is_null();
        self.part("services").iter().filter(ours).map(|(name, _)| name.as_str()).collect()
    }

    /// The file of the operator's that a service finds under `/run/secrets`.
    pub(crate) fn secret(&self, inside: &str) -> Option<&str> {
        self.0["secrets"][inside.strip_prefix("/run/secrets/")?]["file"].as_str()
    }
}

/// The variables of deploy/env.example.
pub(crate) fn example() -> Vec<String> {
    let text = file("deploy/env.example");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.strip_suffix('=').expect("nothing has a default").to_owned()).collect()
}

/// The strings of a list.
pub(crate) fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn fill(value: &mut Value, variables: &BTreeMap<&str, String>) -> Result<(), String> {
    match value {
        Value::String(text) => *text = filled(text, variables)?,
        Value::Array(list) => list.iter_mut().try_for_each(|it| fill(it, variables))?,
        Value::Object(map) => map.values_mut().try_for_each(|it| fill(it, variables))?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// `${NAME:?what to do}`, `${NAME:-default}` and `$$`, which are all that we use.
fn filled(text: &str, variables: &BTreeMap<&str, String>) -> Result<String, String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            done.push('$');
            rest = after;
            continue;
        }
        let (inner, after) = after.strip_prefix('{').and_then(|it| it.split_once('}')).expect(text);
        let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
        if let Some((name, what)) = inner.split_once(":?") {
            done.push_str(
                set(name).ok_or_else(|| format!("required variable {name} is missing a value: {what}"))?,
            );
        } else {
            let (name, default) = inner.split_once(":-").expect(text);
            done.push_str(set(name).map_or(default, String::as_str));
        }
        rest = after;
    }
    Ok(done + rest)
}
