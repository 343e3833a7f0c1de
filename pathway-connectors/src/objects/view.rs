//! What counts of what is in the storage.

use super::Own;
use super::bridge::Bridge;
use pathway_core::persistence::StoreError;
use std::collections::BTreeMap;

/// The objects that were there when a run began: for each the writing, and how many parts it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View(BTreeMap<String, (String, usize)>);

/// The first line of a view.
const HEAD: &str = "pathway objects 1";

impl View {
    pub(super) fn get(&self, name: &str) -> Option<&(String, usize)> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// With what a run has written.
    pub(super) fn with_written(mut self, written: &BTreeMap<String, Own>) -> Self {
        let parts = written.iter().map(|(name, own)| {
            let Own { writing, sizes } = own;
            (name.clone(), (writing.clone(), sizes.len()))
        });
        self.0.extend(parts);
        self
    }

    /// The newest view and the run whose it is. A run that has a claim and no view has written
    /// nothing.
    pub(super) fn newest(bridge: &Bridge) -> Result<Option<(u64, Self)>, StoreError> {
        let views = bridge.list("views")?;
        let Some(claim) = views.iter().filter_map(|(name, _)| name.parse().ok()).max() else {
            return Ok(None);
        };
        let bytes = bridge.get_all(&view_name(claim))?.unwrap_or_default();
        let Some(mut view) = Self::parse(&String::from_utf8_lossy(&bytes)) else {
            let problem = format!(
                "`{}` is not a list of objects that this version of the crate has written",
                view_name(claim)
            );
            return Err(StoreError::Other { problem });
        };
        // What has been removed since is still in it.
        let there = listed(bridge)?;
        view.0.retain(|name, (writing, _)| there.contains_key(&(name.clone(), writing.clone())));
        Ok(Some((claim, view)))
    }

    pub(super) fn write(&self, bridge: &Bridge, claim: u64) -> Result<(), StoreError> {
        bridge.put(&view_name(claim), self.text().into_bytes())
    }

    /// Removes older views, and what earlier runs have written that is not in this one.
    pub(super) fn remove_others(&self, bridge: &Bridge, claim: u64) -> Result<(), StoreError> {
        let views = bridge.list("views")?.into_iter();
        let mut others: Vec<String> = views
            .filter(|(name, _)| name.parse().is_ok_and(|of: u64| of < claim))
            .map(|(name, _)| format!("views/{name}"))
            .collect();
        for (place, _) in bridge.list("objects")? {
            let is_other = taken_apart(&place).is_some_and(|(name, writing, part)| {
                let counts =
                    self.0.get(name).is_some_and(|(of, parts)| of == writing && part < *parts);
                claim_of(writing).is_some_and(|of| of < claim) && !counts
            });
            others.extend(is_other.then(|| format!("objects/{place}")));
        }
        bridge.remove_all(&others)
    }

    fn text(&self) -> String {
        let lines = self.0.iter().map(|(name, (at, parts))| format!("{at} {parts} {name}\n"));
        format!("{HEAD}\n{}end\n", lines.collect::<String>())
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.strip_prefix(HEAD)?.strip_prefix('\n')?.strip_suffix("end\n")?.lines();
        let line = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (writing, parts) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
            Some((words.next()?.to_owned(), (writing, parts)))
        };
        lines.map(line).collect::<Option<_>>().map(Self)
    }
}

fn view_name(claim: u64) -> String {
    format!("views/{claim:016}")
}

/// The sizes of all parts, by object and writing.
fn listed(bridge: &Bridge) -> Result<BTreeMap<(String, String), Vec<u64>>, StoreError> {
    let mut objects: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    for (place, size) in bridge.list("objects")? {
        let Some((name, writing, part)) = taken_apart(&place) else { continue };
        let sizes = objects.entry((name.to_owned(), writing.to_owned())).or_default();
        // Parts are written one behind the other; what is behind a gap is of no object.
        if sizes.len() == part {
            sizes.push(size);
        }
    }
    objects.retain(|_, sizes| !sizes.is_empty());
    Ok(objects)
}

/// The name of an object, a writing of it, and a part of that.
fn taken_apart(place: &str) -> Option<(&str, &str, usize)> {
    let (name, part) = place.rsplit_once('/')?;
    let (writing, part) = part.split_once('-')?;
    Some((name, writing, part.parse().ok()?))
}

/// The run that a writing is of.
fn claim_of(writing: &str) -> Option<u64> {
    writing.split_once('.')?.0.parse().ok()
}

/// What a run has written.
pub(super) fn written(bridge: &Bridge, claim: u64) -> Result<BTreeMap<String, Own>, StoreError> {
    let own = listed(bridge)?.into_iter().filter(|((_, of), _)| claim_of(of) == Some(claim));
    // They are in order: the last writing of an object is the one that counts.
    Ok(own.map(|((name, writing), sizes)| (name, Own { writing, sizes })).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_read_as_it_was_written_or_not_at_all() {
        let own = |sizes: &[u64]| Own { writing: "7.1".to_owned(), sizes: sizes.to_vec() };
        let written = [("log-1".to_owned(), own(&[3, 4])), ("a b/c".to_owned(), own(&[0]))].into();
        let view = View::default().with_written(&written);
        let text = view.text();
        assert_eq!(View::parse(&text), Some(view));
        assert_eq!(View::parse(&View::default().text()), Some(View::default()));
        for len in 0..text.len() {
            assert_eq!(View::parse(&text[..len]), None, "{}", &text[..len]);
        }
        assert_eq!(View::parse("pathway objects 2\nend\n"), None);
    }
}
