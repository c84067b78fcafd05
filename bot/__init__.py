"""What makes Rollcall run: process, wiring, the outside world."""
