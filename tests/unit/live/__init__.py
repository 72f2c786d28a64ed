"""Tests of etl.live."""
