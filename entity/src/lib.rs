//! Frontrow's tables, one SeaORM entity a file.
