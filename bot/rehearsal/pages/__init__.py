"""The browser page of the rehearsal: a workspace to look at, type into and click."""
