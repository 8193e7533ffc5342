//! Benchmarks; see `README.md` beside this package for what is measured and what came out.
