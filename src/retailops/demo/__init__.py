"""Demo parties around the hub: the outside world to try, show and test it against."""
