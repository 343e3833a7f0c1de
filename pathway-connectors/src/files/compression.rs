//! Which compression a file has: by its first bytes, since names lie.

use std::path::Path;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// How many bytes decide.
pub(super) const MAGIC_LEN: usize = 4;

impl Compression {
    /// What the name claims.
    pub(super) fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What the first bytes say; nothing while they are too few.
    ///
    /// Too few bytes under a compressed file's name are the start of a compressed file.
    pub(super) fn detect(head: &[u8], name: Self) -> Option<Self> {
        const MAGICS: [(Compression, &[u8]); 3] = [
            (Compression::Gzip, &[0x1f, 0x8b, 0x08]),
            (Compression::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
            // A frame to skip, at the beginning of some zstd files.
            (Compression::Zstd, &[0x50, 0x2a, 0x4d, 0x18]),
        ];
        let mut magic = head.to_vec();
        if let Some(first) = magic.first_mut()
            && *first & 0xf0 == 0x50
        {
            // The low half of a skipped frame's first byte is free.
            *first = 0x50;
        }
        if let Some((found, _)) = MAGICS.iter().find(|(_, all)| magic.starts_with(all)) {
            Some(*found)
        } else if MAGICS.iter().any(|(_, all)| all.starts_with(&magic)) {
            (name != Self::None).then_some(name)
        } else {
            Some(Self::None)
        }
    }
}
