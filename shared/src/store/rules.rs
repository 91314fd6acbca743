//! The rules of the store over a back-end's plain rows: written once, so that every back-end
//! that can read and write rows atomically behaves the same.
