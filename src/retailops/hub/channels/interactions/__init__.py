"""One file for each interaction of the channel contract: build the request, apply the reply."""
