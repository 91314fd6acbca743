//! Scripts: what a gateway is told, line by line, and what it says to that.

mod flows;
mod limits;
mod script;
