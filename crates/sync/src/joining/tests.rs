//! Both sides against each other, and against what does not keep to it.
