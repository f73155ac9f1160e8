"""A module beside the scoring script."""

ANSWER = 42
