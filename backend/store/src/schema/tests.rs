use super::*;

const NEXT: Migration = "ALTER TABLE instances ADD COLUMN note TEXT; UPDATE instances SET note = 'migrated ' || instance;";
const BROKEN: Migration = "CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1);";

const ROW: &str = "INSERT INTO instances VALUES
    ('p', 'us-central1', 'cache-1', 'u', 1, NULL, '{}', '{}', 1, '{}', 'own_ip', 0, '{}', 0, '\"s\"', 0, 0)";

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A file of schema version 1 with one instance.
    fn of_version_one() -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a folder") };
        let connection = open_file(&scene.path(), &MIGRATIONS[..1]).expect("opens");
        connection.execute_batch(ROW).expect("inserts");
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("valkyard.db")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("valkyard.db.v1.bak")
    }
}

fn version(connection: &Connection) -> u32 {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("has a version")
}

#[test]
fn a_new_file_gets_the_newest_schema_without_a_copy() {
    let scene = Scene { folder: tempfile::tempdir().expect("a folder") };
    let connection = open_file(&scene.path(), MIGRATIONS).expect("opens");
    assert_eq!(version(&connection), schema_version(MIGRATIONS));
    let asked = |pragma: &str| -> String {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        connection.query_row(&sql, [], |row| row.get(0)).expect("answers")
    };
    assert_eq!((asked("journal_mode"), asked("synchronous"), asked("foreign_keys")), ("wal".into(), "2".into(), "1".into()));
    assert!(!scene.copy().exists());
}

#[test]
fn an_older_file_is_copied_then_migrated() {
    let scene = Scene::of_version_one();
    fs::write(scene.copy().with_extension("bak.new"), "left by a crash").expect("writes");
    let connection = open_file(&scene.path(), &[MIGRATIONS[0], NEXT]).expect("migrates");
    let note: String = connection.query_row("SELECT note FROM instances", [], |row| row.get(0)).expect("has a note");
    assert_eq!((version(&connection), note.as_str()), (2, "migrated cache-1"));

    let copy = open_file(&scene.copy(), &MIGRATIONS[..1]).expect("the copy opens in the older build");
    let rows: u32 = copy.query_row("SELECT count(*) FROM instances", [], |row| row.get(0)).expect("counts");
    assert_eq!((version(&copy), rows), (1, 1));
    assert!(!scene.copy().with_extension("bak.new").exists());
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let scene = Scene::of_version_one();
    let error = open_file(&scene.path(), &[MIGRATIONS[0], BROKEN]).expect_err("fails");
    assert!(matches!(error, StoreError::Migrate { version: 2, .. }), "{error:?}");
    let connection = open_file(&scene.path(), &MIGRATIONS[..1]).expect("opens as before");
    let half: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", [], |row| row.get(0)).expect("counts");
    assert_eq!((version(&connection), half), (1, 0));
}

#[test]
fn a_newer_file_is_refused_with_the_version_that_wrote_it() {
    let scene = Scene::of_version_one();
    let connection = open_file(&scene.path(), &[MIGRATIONS[0], NEXT]).expect("migrates");
    connection.execute("UPDATE meta SET value = '7.8.9' WHERE key = 'written_by'", []).expect("updates");
    drop(connection);
    let error = open_file(&scene.path(), &MIGRATIONS[..1]).expect_err("is refused");
    assert!(matches!(&error, StoreError::Newer { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("valkyard 7.8.9"), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    Connection::open(&path).expect("opens").execute_batch("CREATE TABLE theirs (id INTEGER)").expect("creates");
    let before = fs::read(&path).expect("reads");
    let error = open_file(&path, MIGRATIONS).expect_err("is refused");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read(&path).expect("reads"), before);
}

#[test]
fn the_reader_cannot_write() {
    let scene = Scene::of_version_one();
    let _writer = open_file(&scene.path(), MIGRATIONS).expect("opens");
    let reader = open_reader(&scene.path()).expect("opens");
    reader.execute("DELETE FROM instances", []).expect_err("is refused");
}
