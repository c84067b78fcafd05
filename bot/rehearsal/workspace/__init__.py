"""A local chat workspace that answers as strictly as Slack does."""
