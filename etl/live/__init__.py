"""The live flow: stage, release, report and resume, between Pleo and the outbox."""
