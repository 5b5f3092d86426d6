"""Gmail as an ASGI application with state, written from Google's documentation."""
