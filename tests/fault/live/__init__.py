"""The live flow under stops, faults and wrong turns (reliability.md, tests C, N and S).

stops.py       seams: every effect, before and after; a stop at one ends the life of the process
world.py       a Pleo, folders, a ledger, and the commands as a scheduler or a person gives them
people.py      who gives the commands, and what else somebody may do
bookkeeper.py  who imports files, and answers what only a person can answer
invariants.py  INV1 to INV6, read from the files and from Pleo, with nothing of etl
story.py       what happens to a company from a seed: jobs, faults, stops, expiry, changed settings
variants*.py   deliberately broken variants of the protocol; each must be caught
"""
