"""Slack: the Events API in, the Web API out."""
