"""The service's own registry: records of what it offers (VOResource 1.1), for full registries to harvest (OAI-PMH 2.0)."""
