//! What counts of what is in the storage.

use super::bridge::Bridge;
use pathway_core::persistence::StoreError;
use std::collections::BTreeMap;

/// An object that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) writing: String,
    /// The sizes of its parts.
    pub(super) sizes: Vec<u64>,
}

/// The objects that count, by name.
pub(super) type Objects = BTreeMap<String, Object>;

/// The first line of a view.
const HEAD: &str = "pathway objects 1";

/// What counts now: what the newest view has, and what the run whose it is has written. A run that
/// has a claim and no view has written nothing.
pub(super) fn as_of_now(bridge: &Bridge) -> Result<Objects, StoreError> {
    let views = bridge.list("views")?;
    let Some(claim) = views.iter().filter_map(|(name, _)| name.parse().ok()).max() else {
        return Ok(Objects::new());
    };
    let bytes = bridge.get_all(&view_name(claim))?.unwrap_or_default();
    let Some(view) = parse(&String::from_utf8_lossy(&bytes)) else {
        let problem = format!(
            "`{}` is not a list of objects that this version of the crate has written",
            view_name(claim)
        );
        return Err(StoreError::Other { problem });
    };
    let there = listed(bridge)?;
    let mut objects = Objects::new();
    for (name, (writing, parts)) in view {
        // What has been removed since is still in the view.
        if let Some(sizes) = there.get(&(name.clone(), writing.clone())) {
            let sizes = sizes.iter().copied().take(parts).collect();
            objects.insert(name, Object { writing, sizes });
        }
    }
    // They are in order: the last writing of an object is the one that counts.
    let own = there.into_iter().filter(|((_, writing), _)| claim_of(writing) == Some(claim));
    objects.extend(own.map(|((name, writing), sizes)| (name, Object { writing, sizes })));
    Ok(objects)
}

/// Writes down what counts as a run begins.
pub(super) fn write(objects: &Objects, bridge: &Bridge, claim: u64) -> Result<(), StoreError> {
    bridge.put(&view_name(claim), text(objects).into_bytes())
}

/// Removes older views, and what earlier runs have written that does not count.
pub(super) fn remove_others(
    objects: &Objects,
    bridge: &Bridge,
    claim: u64,
) -> Result<(), StoreError> {
    let views = bridge.list("views")?.into_iter();
    let mut others: Vec<String> = views
        .filter(|(name, _)| name.parse().is_ok_and(|of: u64| of < claim))
        .map(|(name, _)| format!("views/{name}"))
        .collect();
    for (place, _) in bridge.list("objects")? {
        let is_other = taken_apart(&place).is_some_and(|(name, writing, part)| {
            let counts = objects
                .get(name)
                .is_some_and(|object| object.writing == writing && part < object.sizes.len());
            claim_of(writing).is_some_and(|of| of < claim) && !counts
        });
        others.extend(is_other.then(|| format!("objects/{place}")));
    }
    bridge.remove_all(&others)
}

fn text(objects: &Objects) -> String {
    let line = |(name, object): (&String, &Object)| {
        format!("{} {} {name}\n", object.writing, object.sizes.len())
    };
    format!("{HEAD}\n{}end\n", objects.iter().map(line).collect::<String>())
}

/// The objects of a view: for each its writing and how many parts it has.
fn parse(text: &str) -> Option<BTreeMap<String, (String, usize)>> {
    let lines = text.strip_prefix(HEAD)?.strip_prefix('\n')?.strip_suffix("end\n")?.lines();
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (writing, parts) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some((words.next()?.to_owned(), (writing, parts)))
    };
    lines.map(line).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_read_as_it_was_written_or_not_at_all() {
        let object = |sizes: &[u64]| Object { writing: "7.1".to_owned(), sizes: sizes.to_vec() };
        let objects = [("log-1".to_owned(), object(&[3, 4])), ("a b/c".to_owned(), object(&[0]))];
        let text = text(&objects.into());
        let read = |name: &str, parts| (name.to_owned(), ("7.1".to_owned(), parts));
        assert_eq!(parse(&text), Some([read("log-1", 2), read("a b/c", 1)].into()));
        assert_eq!(parse(&super::text(&Objects::new())), Some(BTreeMap::new()));
        for len in 0..text.len() {
            assert_eq!(parse(&text[..len]), None, "{}", &text[..len]);
        }
        assert_eq!(parse("pathway objects 2\nend\n"), None);
    }
}
