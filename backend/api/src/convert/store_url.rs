//! URLs that clients name: files to import, and places to export to. Only the form is checked; whether something is there is
//! found out by whoever reads or writes it.

/// Shortest and longest name of a bucket (the cloud's rule; S3's longest is 63, one with dots may be longer on Google).
const BUCKET_LENGTHS: std::ops::RangeInclusive<usize> = 3..=222;

const FILE_FORM: &str = "a file is gs://BUCKET/OBJECT, s3://BUCKET/OBJECT or file:///FOLDER/FILE";
const DESTINATION_FORM: &str =
    "a destination is the name of a bucket, gs://BUCKET, gs://BUCKET/PREFIX, s3://BUCKET, s3://BUCKET/PREFIX or file:///FOLDER";

/// Checks the URL of a file; the error says what is allowed.
pub(super) fn check_file(url: &str) -> Result<(), String> {
    let is_file = match split(url) {
        Some(Place::Bucket { bucket, path }) => is_bucket(bucket) && is_path(path),
        Some(Place::Folder { path }) => is_path(path),
        None => false,
    };
    if is_file { Ok(()) } else { Err(format!("{url:?} is not the URL of a file; {FILE_FORM}")) }
}

/// The URL of a place to export to, from it or from the name of a bucket; the error says what is allowed.
pub(crate) fn destination(text: &str) -> Result<String, String> {
    let refusal = || format!("{text:?} is not a place to export to; {DESTINATION_FORM}");
    if is_bucket(text) {
        return Ok(format!("gs://{text}"));
    }
    let url = text.strip_suffix('/').unwrap_or(text);
    let is_place = match split(url) {
        Some(Place::Bucket { bucket, path }) => is_bucket(bucket) && (path.is_empty() || is_path(path)),
        Some(Place::Folder { path }) => is_path(path),
        None => false,
    };
    if is_place { Ok(url.to_owned()) } else { Err(refusal()) }
}

enum Place<'t> {
    Bucket { bucket: &'t str, path: &'t str },
    Folder { path: &'t str },
}

fn split(url: &str) -> Option<Place<'_>> {
    if let Some(path) = url.strip_prefix("file:///") {
        return Some(Place::Folder { path });
    }
    let rest = url.strip_prefix("gs://").or_else(|| url.strip_prefix("s3://"))?;
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some(Place::Bucket { bucket, path })
}

fn is_bucket(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_well = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
    BUCKET_LENGTHS.contains(&text.len()) && ends_well && text.bytes().all(|b| plain(b) || b"-_.".contains(&b))
}

/// Whether every segment is a name: no empty ones, none that lead elsewhere, nothing that a URL gives another meaning to.
fn is_path(path: &str) -> bool {
    let is_name = |segment: &str| !matches!(segment, "" | "." | "..");
    let lower = path.to_ascii_lowercase();
    let is_hidden = lower.contains("%2e") || lower.contains("%2f");
    path.split('/').all(is_name) && !is_hidden && !path.chars().any(|c| c.is_control() || "?#\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_urls_that_end_in_an_object() {
        for good in ["gs://bucket/a.rdb", "s3://my-bucket/deep/er/a.rdb", "file:///var/backups/a b.rdb"] {
            assert_eq!(check_file(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a.rdb",
            "gs://bucket",
            "gs://bucket/",
            "gs://bucket/folder/",
            "gs:///a.rdb",
            "gs://B/a",
            "http://bucket/a.rdb",
            "file://host/a.rdb",
            "file:///",
            "file:///../a",
            "s3://key:secret@bucket/a",
            "gs://bucket/a?b",
            "gs://bucket/a%2e",
            "gs://bucket/a\n",
            "gs://bucket//a",
        ] {
            let text = check_file(bad).expect_err(bad);
            assert!(text.ends_with(FILE_FORM), "{text}");
        }
    }

    #[test]
    fn destinations_are_buckets_or_urls() {
        for (text, url) in [
            ("my-bucket", "gs://my-bucket"),
            ("gs://my-bucket/", "gs://my-bucket"),
            ("s3://my-bucket/some/prefix", "s3://my-bucket/some/prefix"),
            ("file:///var/exports", "file:///var/exports"),
        ] {
            assert_eq!(destination(text).as_deref(), Ok(url));
        }
        for bad in
            ["", "ab", "My-Bucket", "bucket/prefix", "file:///", "file://x", "ftp://bucket", "gs://", "/tmp", "..", "gs://b/../c"]
        {
            let text = destination(bad).expect_err(bad);
            assert!(text.ends_with(DESTINATION_FORM), "{text}");
        }
    }
}
