"""Connectors spoiled on purpose: they prove that the suites catch what they are there for."""
