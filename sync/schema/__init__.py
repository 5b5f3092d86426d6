"""The tables of the state file, and the migrations that make them."""
