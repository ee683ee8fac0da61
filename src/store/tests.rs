//! What is read of dates, and how they come and go; on SQLite, and on PostgreSQL where `FRONTROW_TEST_DATABASE_URL` names one
//! whose user may create databases.

mod cases;
mod scratch;
