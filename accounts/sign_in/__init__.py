"""Signing in with an account of a platform: allauth's providers, as far as the platforms need it otherwise.

``provider`` and ``urls`` are names by which allauth finds what is in them.
"""
