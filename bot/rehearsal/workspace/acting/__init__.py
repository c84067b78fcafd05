"""Acting as a person of the cast."""
