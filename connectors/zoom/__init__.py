"""Zoom Team Chat. Section numbers in this folder are those of the integration reference for Zoom."""
