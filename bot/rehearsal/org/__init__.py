"""A local Salesforce org that real clients can be pointed at.

seeding, seed/          how it looks on the first day
org                     its state, its rules: queue, validations, changes by hand
archives → incoming → installing/deleting → deploying     what a deployment does
references, testing, apex/                                 what makes it fail
retrieving, tables, soql, exporting                        what can be read from it
web/                    REST, SOAP, OAuth, and the rehearsal's own controls (web/control.py lists them)
serve, keeping          running it, keeping it in a file
"""
