"""Requests and answers as bytes: what may come in, how an answer goes out, whose turn it is."""
