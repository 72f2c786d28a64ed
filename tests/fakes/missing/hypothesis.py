"""Stands before the real one, which pandera would load; see tests/fakes/users.py."""

raise ImportError("no user has it")
