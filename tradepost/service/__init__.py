"""What makes the engine a service: one worker per state file, requests beside it, systemd's protocol."""
