"""The Hub one sees. Nothing below imports it."""
