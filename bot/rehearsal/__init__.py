"""A local chat workspace with local orgs, to try, test and practise in."""
