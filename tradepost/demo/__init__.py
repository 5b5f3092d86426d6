"""The demo: a simulated company, the real engine, and every number told beside the sandbox's own."""
