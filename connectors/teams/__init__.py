"""Microsoft Teams through Microsoft Graph."""
