"""What commands show: pure functions from reports to tables for people and to plain data for scripts."""
