"""The live flow: stage, release, report, resume, with Pleo at one end and the outbox at the other."""
