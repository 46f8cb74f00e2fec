"""The REST API at ``/api/v1/``, for a tenant's own programs. ``accounts.access`` decides what a token may."""
