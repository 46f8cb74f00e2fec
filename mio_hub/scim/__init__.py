"""SCIM 2.0 at ``/scim/v2/`` (RFC 7643, 7644), by which a company's identity provider tells of its users and groups.

``scim2_models`` knows the protocol: schemas, filters, what a PATCH does. What follows from it is ``accounts/scim.py``.
"""
