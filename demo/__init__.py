"""`make demo`: a made-up stack, Meltano with this tap, and a real Postgres."""
