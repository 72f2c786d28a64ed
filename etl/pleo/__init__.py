"""All that concerns Pleo's Export API: the only place that knows httpx, starlette and uvicorn."""
