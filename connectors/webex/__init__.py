"""Webex, by its REST interface and webhooks; the service user reads and writes."""
