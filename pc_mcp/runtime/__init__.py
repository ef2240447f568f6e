"""What belongs to the process and its surroundings: logs, signals, streams, places, networks."""
