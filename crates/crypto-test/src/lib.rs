//! The test suite that every provider of towline's cryptography passes.
