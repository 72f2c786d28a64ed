"""All that concerns Pleo's Export API: the only place that knows httpx, starlette and uvicorn.

client.py      the calls; shapes.py is what they give, failures.py how they fail
paging.py      the pages of a list, and whether they fit together
calls.py       attempts, waits (waits.py), limit (throttle.py), a renewed credential
exchange.py    one request over HTTP; reading.py its answer, refusing.py a failure in words
addresses.py   where Pleo is
credentials.py what opens a company: keys and tokens, where they are kept, how they are renewed
downloads.py   attachments: which links may be followed, and how far
sandbox        a Pleo of one's own
"""
