"""What actions read, as typed rows."""
