"""Many clients ask one server for a long time, while the service that it reads fails and throttles."""
