//! Intsets: sorted numbers of one width.

use super::packed::{Cursor, Malformed};

/// The numbers of an intset.
pub(super) fn intset(packed: &[u8]) -> Result<impl Iterator<Item = i64>, Malformed> {
    let malformed = Malformed("an intset of numbers in 2, 4 or 8 bytes that states how many");
    let mut cursor = Cursor { left: packed };
    let width = cursor.length_u32(malformed.0)?;
    let count = cursor.length_u32(malformed.0)?;
    if !matches!(width, 2 | 4 | 8) || cursor.left.len() / width != count || !cursor.left.len().is_multiple_of(width) {
        return Err(malformed);
    }
    Ok(cursor.left.chunks_exact(width).map(move |bytes| {
        let mut wide = [0; 8];
        wide[8 - width..].copy_from_slice(bytes);
        i64::from_le_bytes(wide) >> (64 - 8 * width)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_each_width_keep_their_sign() {
        let numbers = |packed: &[u8]| intset(packed).map(Iterator::collect::<Vec<_>>);
        assert_eq!(numbers(&[2, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 1, 0]), Ok(vec![-1, 1]));
        assert_eq!(numbers(&[4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80]), Ok(vec![i64::from(i32::MIN)]));
        assert!(numbers(&[3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(numbers(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0]).is_err());
    }
}
