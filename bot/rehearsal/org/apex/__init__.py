"""A small interpreter for the part of Apex that release tests are mostly made of.

There is no Apex runtime outside Salesforce. This one reads classes and triggers, finds compile errors that can be told
without the platform's type tables, and runs test methods. What it cannot evaluate (callouts, async jobs, most of the
platform's classes) becomes the value "unknown": an assertion about something unknown is passed over, never failed,
so a failure it reports is a real one.
"""
