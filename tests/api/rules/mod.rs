//! The rules of the product, each by what can be seen through the API. The number of the rule stands at its tests.

mod identity;
mod lapse;
mod live;
mod long_line;
mod money;
mod roles;
mod seat_maps;
mod seats;
mod unpaid;
mod waiting;
