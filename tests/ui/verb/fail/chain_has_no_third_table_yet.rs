use pathway::prelude::*;

type Pair = (u64, u64);

fn ends(pairs: &Table<Pair>) -> Table<u64> {
    pairs
        .join(pairs)
        .on(|left| left.1, |right| right.0)
        .join(pairs)
        .on_third(|third| third.1, |next| next.0)
        .select(|_, _, last| last.1)
}

fn main() {}
