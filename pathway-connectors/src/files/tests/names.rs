use super::Directory;
use crate::files::names::{closest, describe_contents, is_left_out};

#[test]
fn the_closest_name_is_near_in_letters() {
    let dir = Directory::new();
    for name in ["airlines.csv", "airports.csv", "planes.csv", "x"] {
        dir.write(name, "");
    }
    for (wrong, expected) in [
        ("airline.csv", Some("airlines.csv")),
        ("airprots.csv", Some("airports.csv")),
        ("PLANES.CSV", Some("planes.csv")),
        ("planes.tsv", Some("planes.csv")),
        ("weather.json", None),
        ("y", Some("x")),
    ] {
        assert_eq!(closest(&dir.path(wrong)), expected.map(|name| dir.path(name)), "{wrong}");
    }
}

#[test]
fn a_directory_is_described_by_a_few_names() {
    let dir = Directory::new();
    let describe = || describe_contents(&dir.0);
    assert_eq!(describe(), "is empty");
    dir.write("b", "");
    dir.write("a", "");
    dir.write("b~", "");
    assert_eq!(describe(), "holds `a`, `b`");
}

#[test]
fn names_of_unfinished_files_are_left_out() {
    for name in [".a", "a~", "a.csv.tmp", ".a.csv.swp", "a.part"] {
        assert!(is_left_out(name), "{name}");
    }
    for name in ["a", "a.tmp.csv", "part", "tmp"] {
        assert!(!is_left_out(name), "{name}");
    }
}
