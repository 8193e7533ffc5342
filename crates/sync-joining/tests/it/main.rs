//! Both sides over a real relay.
