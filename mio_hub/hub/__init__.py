"""The pages of a tenant: what an administrator or auditor sees after signing in."""
