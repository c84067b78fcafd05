"""The rehearsal's own HTTP API: looking, acting, steering."""
