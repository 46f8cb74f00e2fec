"""`./hub bench`: the relay, measured beside a pipeline without any of our logic, on the machine at hand.

Both run as they do in production: one uvicorn web process, one Celery worker, real PostgreSQL and Valkey. The people who
type and the platform that answers are this process: one clock, and two cores left for what is measured.
"""
