"""Batches: manifest and recipe, verdicts, control totals, evidence, and the output folder."""
