"""One suite for everything that keeps to a description from outside."""
