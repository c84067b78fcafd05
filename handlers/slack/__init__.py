"""Slack: what people see of Rollcall there, how their words reach us."""
