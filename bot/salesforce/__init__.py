"""Salesforce orgs, as Rollcall asks and changes them."""

from bot.salesforce.advice import busy_with, problem_with_job
from bot.salesforce.gateway import API_VERSION, SalesforceOrg, connect
from bot.salesforce.inventory import MetadataType
from bot.salesforce.labelling import labelled
from bot.salesforce.session import Patience

__all__ = [
    "API_VERSION",
    "MetadataType",
    "Patience",
    "SalesforceOrg",
    "busy_with",
    "connect",
    "labelled",
    "problem_with_job",
]
