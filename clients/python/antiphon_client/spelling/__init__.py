"""The check of spelling and grammar."""
