"""Commands about campaigns: create, send, follow, steer, and see what happened to each person."""
