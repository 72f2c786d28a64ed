"""pleo-etl: Pleo export items in, proved import files for ERPs without an API out."""

__version__ = "0.1.0"
