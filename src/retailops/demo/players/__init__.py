"""The people of the trading day; each does over HTTP what a person or a program would do."""
