"""The commands: one thin function `run(invocation, ...)` a module, which returns the exit code."""
