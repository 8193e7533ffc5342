//! The demonstration, over real sockets: a person who looks at the page and presses its buttons.

mod door;
mod person;
mod tour;
mod wrong;
