"""Salesforce's own clients, run unchanged against the local orgs."""
