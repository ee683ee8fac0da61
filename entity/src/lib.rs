//! Frontrow's tables, one SeaORM entity a file; plain rows, nothing else.

pub mod concert;
pub mod hold;
pub mod idempotency_key;
pub mod payment;
pub mod point_history;
pub mod presence;
pub mod reservation;
pub mod sale_head;
pub mod sale_log;
pub mod seat;
pub mod series;
pub mod token;
pub mod unpaid;
pub mod wallet;
