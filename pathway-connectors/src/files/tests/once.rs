use super::{Directory, error, gzip, read, reader, zstd};
use crate::files::tests::recorder::{Recorder, Running};
use pathway_core::io::Reader;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

fn rows(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn one_file_is_read_to_its_end() {
    let dir = Directory::new();
    let path = dir.write("a.txt", "one\ntwo\nthree");
    assert_eq!(read(&reader(&path)).unwrap(), [(path, rows(&["one", "two", "three"]))]);
}

#[test]
fn the_files_of_a_glob_are_partitions_in_order_of_their_paths() {
    let dir = Directory::new();
    let paths: Vec<_> =
        (0..20).map(|i| dir.write(&format!("{i:02}.txt"), format!("{i}\n"))).collect();
    dir.write("other.csv", "x\n");
    let expected: Vec<_> = (0..20).map(|i| (paths[i].clone(), vec![i.to_string()])).collect();
    for readers in [1, 2, 7, 50] {
        assert_eq!(read(&reader(dir.path("*.txt")).readers(readers)).unwrap(), expected);
    }
}

#[test]
fn large_files_arrive_in_blocks_and_in_order() {
    let dir = Directory::new();
    let mut text = String::new();
    for i in 0..150_000 {
        writeln!(text, "line {i}").unwrap();
    }
    let path = dir.write("large.txt", &text);
    let compressed = [dir.write("large.gz", gzip(&text)), dir.write("large.zst", zstd(&text))];
    let recorder = Arc::new(Recorder::default());
    recorder.run(&reader(path)).unwrap();
    assert_eq!(recorder.blocks(), text.len().div_ceil(256 * 1024));
    assert_eq!(recorder.ended(), 1);
    assert_eq!(recorder.files()[0].1.join("\n") + "\n", text);
    for path in compressed {
        assert_eq!(read(&reader(path)).unwrap()[0].1.join("\n") + "\n", text);
    }
}

#[test]
fn a_tree_is_read_without_hidden_and_unfinished_files() {
    let dir = Directory::new();
    let expected =
        ["a.csv", "b/c.CSV", "b/d/e.csv.gz", "f.csv.zst"].map(|name| dir.write(name, name));
    for left_out in [".a.csv", ".git/a.csv", "a.csv~", "b/a.csv.tmp", "b/x.part", "b/d/.e.swp"] {
        dir.write(left_out, "left out");
    }
    let other = dir.write("notes.txt", "notes");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&dir.0, dir.path("b/loop")).unwrap();
    let read_paths =
        |reader| -> Vec<_> { read(&reader).unwrap().into_iter().map(|(path, _)| path).collect() };
    assert_eq!(read_paths(reader(&dir.0).extensions(&["csv"])), expected);
    assert_eq!(
        read_paths(reader(&dir.0).extensions(&["txt", "xcsv"])),
        std::slice::from_ref(&other)
    );
    let mut all = expected.to_vec();
    all.push(other);
    assert_eq!(read_paths(reader(&dir.0)), all);
    assert_eq!(read_paths(reader(dir.path("**"))), all);
    assert_eq!(read_paths(reader(dir.path("**/[ab].csv"))), expected[..1]);
    assert_eq!(read_paths(reader(dir.path("*/d/*.gz"))), expected[2..3]);
    assert_eq!(read_paths(reader(dir.path("?/../a.c*"))), [dir.path("b/../a.csv")]);
    assert_eq!(read_paths(reader(dir.path("b/*.part"))), [dir.path("b/x.part")]);
    assert_eq!(read_paths(reader(dir.path(".*.csv"))), [dir.path(".a.csv")]);
    assert_eq!(read_paths(reader(dir.path("a.csv~"))), [dir.path("a.csv~")]);
}

#[cfg(unix)]
#[test]
fn links_to_files_are_followed_and_links_to_directories_are_not() {
    use std::os::unix::fs::symlink;
    let (dir, elsewhere) = (Directory::new(), Directory::new());
    symlink(elsewhere.write("a.txt", "a\n"), dir.path("link.txt")).unwrap();
    symlink(&dir.0, dir.path("loop")).unwrap();
    symlink(dir.path("nowhere"), dir.path("dangling")).unwrap();
    assert_eq!(read(&reader(&dir.0)).unwrap(), [(dir.path("link.txt"), rows(&["a"]))]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let dir = Directory::new();
    let path = dir.0.join(std::ffi::OsStr::from_bytes(b"\xff.csv"));
    std::fs::write(&path, "x\n").unwrap();
    for pattern in [path.clone(), dir.0.clone(), dir.path("*.csv")] {
        let files = read(&reader(pattern)).unwrap();
        assert_eq!(files, [(dir.path("\u{fffd}.csv"), rows(&["x"]))]);
    }
}

#[test]
fn the_first_bytes_say_how_a_file_is_compressed() {
    let dir = Directory::new();
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], zstd("z\n").as_slice()].concat();
    for (name, content, expected) in [
        ("gzip-without-name.txt", gzip("a\nb\n"), &["a", "b"][..]),
        ("members.gz", [gzip("a\nb"), gzip("c\n"), gzip("d")].concat(), &["a", "bc", "d"]),
        ("frames.zst", [zstd("a\nb"), zstd("c\n")].concat(), &["a", "bc"]),
        ("skipped-frame.zst", skipped, &["z"]),
        ("gzip-in-truth.zst", gzip("a\n"), &["a"]),
        ("plain-in-truth.gz", b"plain\n".to_vec(), &["plain"]),
        ("letters", b"P*M".to_vec(), &["P*M"]),
        ("bracket", b"(".to_vec(), &["("]),
        ("empty", Vec::new(), &[]),
        ("nothing.gz", gzip(""), &[]),
    ] {
        let path = dir.write(name, content);
        assert_eq!(read(&reader(&path)).unwrap(), [(path, rows(expected))], "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read() {
    let dir = Directory::new();
    let path = dir.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let running = Running::start(reader(&path));
    std::fs::write(&path, "a\nb\n").unwrap();
    running.wait_for(&[("pipe", &["a", "b"])]);
    running.end().unwrap();
    assert_eq!(
        dir.shorten(&error(&reader(&path).watch())),
        "`DIR/pipe` is not a regular file, so it cannot be watched\n\
         help: read it once, without `.watch()`"
    );
}

#[test]
fn the_size_is_known_before_reading() {
    let dir = Directory::new();
    dir.write("a.txt", "12345");
    let packed = gzip("12345").len() as u64;
    dir.write("b.txt.gz", gzip("12345"));
    assert_eq!(reader(dir.path("a.txt")).size_hint(), Some(5));
    assert_eq!(reader(&dir.0).size_hint(), Some(5 + 4 * packed));
    assert_eq!(reader(dir.path("c.txt")).size_hint(), None);
    assert_eq!(reader(&dir.0).watch().size_hint(), None);
}

#[test]
fn labels_name_format_and_pattern() {
    assert_eq!(reader("data/*.txt").label(), "lines `data/*.txt`");
    assert!(reader("a").bounded() && !reader("a").watch().bounded());
    assert!(!reader("a").mutable().bounded());
}

#[test]
fn a_stop_ends_readers_that_are_blocked() {
    let dir = Directory::new();
    for i in 0..5 {
        dir.write(&format!("{i}.txt"), "x\n".repeat(1_000_000));
    }
    let running = Running::start(reader(&dir.0).readers(3));
    while running.recorder.blocks() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    running.recorder.block_after(0);
    std::thread::sleep(Duration::from_millis(20));
    running.stop();
}

#[test]
fn a_missing_file_is_named_with_the_closest_name() {
    let dir = Directory::new();
    dir.write("data/flights.csv", "");
    for (pattern, help) in [
        ("data/flihgts.csv", "did you mean `DIR/data/flights.csv`?"),
        ("data/Flights.csv", "did you mean `DIR/data/flights.csv`?"),
        ("dta/flights.csv", "there is no directory `DIR/dta`; did you mean `DIR/data`?"),
        ("data/planes.txt", "the directory `DIR/data` holds `flights.csv`"),
        ("x/y/z", "there is no directory `DIR/x`; the directory `DIR` holds `data`"),
    ] {
        let expected = format!("the path `DIR/{pattern}` does not exist\nhelp: {help}");
        assert_eq!(dir.shorten(&error(&reader(dir.path(pattern)))), expected);
        assert_eq!(dir.shorten(&error(&reader(dir.path(pattern)).watch())), expected);
        assert_eq!(dir.shorten(&error(&reader(dir.path(pattern)).mutable())), expected);
    }
}

#[test]
fn a_glob_that_matches_nothing_is_an_error() {
    let dir = Directory::new();
    for name in ["data/a.txt", "data/b.txt", "data/c.txt", "data/d.txt", "data/e.txt"] {
        dir.write(name, "");
    }
    assert_eq!(
        dir.shorten(&error(&reader(dir.path("data/*.csv")))),
        "no file matches `DIR/data/*.csv`\n\
         help: the directory `DIR/data` holds `a.txt`, `b.txt`, `c.txt` and 2 more; to wait for \
         files, use `.watch()`"
    );
    let misspelt = "the path `DIR/dta` does not exist\nhelp: did you mean `DIR/data`?";
    assert_eq!(dir.shorten(&error(&reader(dir.path("dta/*.csv")))), misspelt);
    assert_eq!(dir.shorten(&error(&reader(dir.path("dta/*.csv")).watch())), misspelt);
    assert_eq!(
        dir.shorten(&error(&reader(dir.path("data/[a.csv")))),
        "`DIR/data/[a.csv` is not a glob: invalid range pattern at character N\n\
         help: write a `*`, `?` or `[` that belongs to a name as `[*]`, `[?]` or `[[]`"
            .replace(
                "character N",
                &format!("character {}", dir.path("data/[").display().to_string().len())
            )
    );
}

#[test]
fn a_directory_without_files_is_an_error() {
    let dir = Directory::new();
    let message = |reader| dir.shorten(&error(&reader));
    assert_eq!(
        message(reader(&dir.0)),
        "the directory `DIR` holds no files\nhelp: it is empty; to wait for files, use `.watch()`"
    );
    dir.write(".hidden", "");
    assert_eq!(
        message(reader(&dir.0)),
        "the directory `DIR` holds no files\n\
         help: it holds only names that are left out: hidden ones, and those that end in `~`, \
         `.tmp`, `.swp` or `.part`; to wait for files, use `.watch()`"
    );
    dir.write("a.txt", "");
    assert_eq!(
        message(reader(&dir.0).extensions(&["csv", "tsv"])),
        "the directory `DIR` holds no `.csv` or `.tsv` files\n\
         help: it holds `a.txt`; to wait for files, use `.watch()`"
    );
}

#[test]
fn truncated_and_damaged_files_are_errors() {
    let dir = Directory::new();
    let text: String = (0..20_000).map(|i| format!("{}\n", i * i)).collect();
    for (name, whole, kind) in [("a.gz", gzip(&text), "gzip"), ("a.zst", zstd(&text), "zstd")] {
        for len in [0, 3, 9, whole.len() / 2, whole.len() - 1] {
            let path = dir.write(name, &whole[..len]);
            assert_eq!(
                dir.shorten(&error(&reader(path))),
                format!(
                    "the {kind} file `DIR/{name}` ends before its data do\n\
                     help: it was cut off, or is still being written; copy it again, or write it \
                     under another name and rename it when it is complete"
                ),
                "{len} bytes"
            );
        }
        let mut damaged = whole.clone();
        for byte in &mut damaged[whole.len() / 2..][..16] {
            *byte ^= 0x55;
        }
        let message = dir.shorten(&error(&reader(dir.write(name, damaged))));
        let (problem, help) = message.split_once("\nhelp: ").unwrap();
        assert!(
            problem.starts_with(&format!("the {kind} file `DIR/{name}` is damaged: ")),
            "{problem}"
        );
        assert_eq!(help, format!("test it with `{kind} -t DIR/{name}`, and copy it again"));
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Directory::new();
    let path = dir.write("secret.txt", "x");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    let message = if std::fs::File::open(&path).is_ok() {
        // The superuser may read everything.
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        crate::files::errors::failed("open", &path, denied).to_string()
    } else {
        error(&reader(&path))
    };
    assert_eq!(
        dir.shorten(&message),
        "could not open `DIR/secret.txt`: permission denied\n\
         help: let the user that runs the program read it, for example with \
         `chmod a+r DIR/secret.txt`"
    );
}

#[test]
fn a_failure_stops_the_other_readers() {
    let dir = Directory::new();
    dir.write("0.txt", "x\n".repeat(30_000_000));
    dir.write("1.gz", "");
    let running = Running::start(reader(&dir.0).readers(2));
    let message = running.end().unwrap_err().to_string();
    assert!(message.contains("1.gz"), "{message}");
}
