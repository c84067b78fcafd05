"""What people say and see, on any chat platform."""
